"""A program that is stopped while its libraries load says nothing, and tells by its exit status."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dev.harness.services import wait_for
from tests.support.programs.launcher import PYTHONPATH


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("program", "library"), [("camera", "numpy"), ("uploader", "pydantic_core")])
def test_a_stop_during_the_start_is_quiet(program: str, library: str, number: signal.Signals, tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": PYTHONPATH}
    with subprocess.Popen(
        [sys.executable, "-m", program], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        maps = Path(f"/proc/{process.pid}/maps")
        wait_for(lambda: library in maps.read_text(encoding="ascii"), seconds=60, what=f"{program} to load {library}")
        process.send_signal(number)
        printed, _ = process.communicate(timeout=60)

    assert printed == b""
    assert process.returncode == 128 + number
