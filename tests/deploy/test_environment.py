"""The environment that the commands make: with a pip that works, however little is unpacked for it."""

import subprocess
from pathlib import Path

import pytest

from dev.scripts import environment
from dev.scripts.programs import Done


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is run for an environment of its own."""
    ran: list[str] = []
    run = environment.run

    def record(doing: str, command: list[str]) -> Done:
        ran.append(" ".join(command))
        return run(doing, command)

    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(environment, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    monkeypatch.setattr(environment, "run", record)
    return ran


def test_pip_is_unpacked_and_works(commands: list[str]) -> None:
    environment.make()

    if environment.find_pip_wheel() is None:
        pytest.skip("this Python has no pip of its own")
    assert [command.endswith("--without-pip") for command in commands] == [True]
    said = subprocess.run([environment.PYTHON, "-m", "pip", "--version"], capture_output=True, text=True, check=True)
    assert str(environment.VENV) in said.stdout
    assert not (environment.VENV / "unpacked").exists()


@pytest.mark.parametrize("content", [None, b"no archive"])
def test_without_a_pip_that_can_be_unpacked_venv_installs_it(
    content: bytes | None, tmp_path: Path, commands: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = tmp_path / "pip-1-py3-none-any.whl"
    wheel.write_bytes(content or b"")
    monkeypatch.setattr(environment, "find_pip_wheel", lambda: wheel if content else None)
    monkeypatch.setattr(environment, "run", lambda _, command: commands.append(command[-1]) or Done(command, 0, "", ""))

    environment.make()

    assert commands == ["--without-pip"] * bool(content) + [str(environment.VENV)]
