"""Runs `python -m PROGRAM` as a process of its own that has the program's libraries already: a fork, not an import.

An import of boto3 or OpenCV costs more processor time than most commands. What such a process inherits is only that.
"""

import atexit
import functools
import importlib
import json
import os
import runpy
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from tests.support.paths import ROOT

TIMEOUT_SECONDS = 100.0
PYTHONPATH = os.pathsep.join(str(folder) for folder in (ROOT / "edge", ROOT / "cloud", ROOT))


def run(
    program: str, *arguments: str, folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a program's command to its end, in this folder and with exactly this environment."""
    with tempfile.TemporaryDirectory() as place:
        output, errors = Path(place) / "out", Path(place) / "err"
        request = {
            "arguments": arguments,
            "folder": str(folder),
            "environment": dict(environment),
            "output": str(output),
            "errors": str(errors),
        }
        status = _launcher(program, os.getpid()).ask(request)
        return subprocess.CompletedProcess(arguments, status, _text(output), _text(errors))


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""


class _Launcher:
    """The parent of a program's processes, itself a child of ours."""

    def __init__(self, program: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.launcher", program],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": PYTHONPATH},
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        atexit.register(self.close)

    def ask(self, request: Mapping[str, object]) -> int:
        """Hand over a request and return the exit status, -9 when it took too long."""
        requests, answers = self._pipes()
        requests.write(json.dumps(request) + "\n")
        requests.flush()
        return int(answers.readline())

    def close(self) -> None:
        for pipe in self._pipes():
            pipe.close()
        self._process.wait()

    def _pipes(self) -> tuple[IO[str], IO[str]]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return self._process.stdin, self._process.stdout


@functools.cache
def _launcher(program: str, _owner: int) -> _Launcher:
    return _Launcher(program)


def _serve(program: str) -> None:
    """Fork once for each request; the child returns, to run the program."""
    importlib.import_module(f"{program}.__main__")
    del sys.modules[f"{program}.__main__"]  # it is still to be run
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _become(program, **json.loads(line))
            return
        print(_wait(child), flush=True)
    os._exit(0)


def _become(
    program: str, arguments: list[str], folder: str, environment: dict[str, str], output: str, errors: str
) -> None:
    """Take on what the request says, with an empty standard input."""
    os.setsid()
    for number, name, flags in ((0, os.devnull, os.O_RDONLY), (1, output, os.O_WRONLY), (2, errors, os.O_WRONLY)):
        opened = os.open(name, flags | os.O_CREAT, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(folder)
    sys.argv = [program, *arguments]


def _wait(child: int) -> int:
    """Return the child's exit status; end it when it takes too long."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.killpg(child, 9)
    os.waitpid(child, 0)
    return -9


if __name__ == "__main__":
    _serve(sys.argv[1])
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
