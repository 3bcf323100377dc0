"""The environment that the commands make: with a pip that works, however little is unpacked for it."""

import subprocess
from pathlib import Path

import pytest

from dev.scripts import environment
from dev.scripts.programs import Done


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(environment, "PYTHON", tmp_path / ".venv" / "bin" / "python")


@pytest.mark.long
def test_pip_is_unpacked_and_works() -> None:
    if environment.find_pip_wheel() is None:
        pytest.skip("this Python has no pip of its own")

    environment.make()

    said = subprocess.run([environment.PYTHON, "-m", "pip", "--version"], capture_output=True, text=True, check=True)
    assert str(environment.VENV) in said.stdout
    assert not (environment.VENV / "unpacked").exists()
    assert not (environment.VENV / "bin" / "pip").exists()  # which venv installs, and takes seconds for


@pytest.mark.parametrize("content", [None, b"no archive"])
def test_without_a_pip_that_can_be_unpacked_venv_installs_it(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = tmp_path / "pip-1-py3-none-any.whl"
    wheel.write_bytes(content or b"")
    ran: list[str] = []

    def run(_doing: str, command: list[str]) -> Done:
        ran.append(command[-1])
        return Done(command, 0, "", "")

    monkeypatch.setattr(environment, "find_pip_wheel", lambda: wheel if content else None)
    monkeypatch.setattr(environment, "run", run)

    environment.make()

    assert ran == ["--without-pip"] * bool(content) + [str(environment.VENV)]
