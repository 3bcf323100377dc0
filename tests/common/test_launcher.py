"""The tests' own way to start our programs is as real as the usual one, but for the imports."""

import subprocess
import sys
from pathlib import Path

from dev.harness.process import start
from tests.support.programs import launcher


def test_a_fork_answers_as_a_program_that_is_started_as_usual(tmp_path: Path) -> None:
    def ran(name: str, **settings: str) -> tuple[int, str, bool]:
        command = [sys.executable, "-m", "enroll"]
        process = start("enroll", command, tmp_path / name, settings, launcher.launch)
        return process.popen.wait(20), process.tail(), isinstance(process.popen, subprocess.Popen)

    status, said, is_usual = ran("forked")

    assert (status, said.startswith("enroll: "), is_usual) == (2, True, False)
    below_python = {"LD_LIBRARY_PATH": "/nowhere", "PYTHONPATH": launcher.PYTHONPATH}
    assert ran("usual", **below_python) == (status, said, True)
