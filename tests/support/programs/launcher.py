"""Runs `python -m PROGRAM` as a process of its own that has the program's libraries already: a fork, not an import.

An import of boto3 or OpenCV costs more processor time than most commands. What such a process inherits is only that.
"""

import atexit
import functools
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from dev.harness.process import Child, spawn
from tests.support.paths import ROOT
from tests.support.programs import forked

TIMEOUT_SECONDS = 100.0
POLL_SECONDS = 0.005
PYTHONPATH = os.pathsep.join(str(folder) for folder in (ROOT / "edge", ROOT / "cloud", ROOT))
BEFORE_PYTHON = ("LD_", "MALLOC_", "OMP_", "OPENBLAS_", "PYTHON")  # variables that count before a program begins
HARMLESS = {"PYTHONPATH", "PYTHONUNBUFFERED"}


def run(
    program: str, *arguments: str, folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a program's command to its end, in this folder and with exactly this environment."""
    with tempfile.TemporaryDirectory() as place:
        output, errors = Path(place) / "out", Path(place) / "err"
        child = _launcher(program, os.getpid()).start(arguments, folder, environment, output, errors)
        try:
            status = child.wait(TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            status = child.wait()
        return subprocess.CompletedProcess(arguments, status, _text(output), _text(errors))


def launch(command: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path) -> Child:
    """Start `python -m PROGRAM`; as usual where the environment reaches below Python."""
    if any(name.startswith(BEFORE_PYTHON) and name not in HARMLESS for name in environment):
        return spawn(command, folder, environment, log)
    program = command[-1]
    return _launcher(program, os.getpid()).start((), folder, environment, log, log)


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""


class _Forked:
    """A child of a launcher, with what we use of subprocess.Popen."""

    def __init__(self, pid: int, ended: Path, launcher: "subprocess.Popen[str]") -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ended, self._launcher = ended, launcher

    def poll(self) -> int | None:
        if self.returncode is None:
            gone = self._launcher.poll() is not None  # before the look: it writes no more
            if self._ended.exists():
                self.returncode = int(self._ended.read_text(encoding="ascii"))
                self._ended.unlink()
            elif gone:
                self.returncode = -signal.SIGKILL  # with its parent
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        deadline = time.monotonic() + timeout if timeout is not None else None
        pause = threading.Event()
        while (status := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            pause.wait(POLL_SECONDS)
        return status

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)


class _Launcher:
    """The parent of a program's processes, itself a child of ours."""

    def __init__(self, program: str) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.programs.launcher", program, self._folder.name],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": PYTHONPATH, "LC_ALL": "C.UTF-8"},
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C reaches only us
        )
        atexit.register(self.close)

    def start(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], output: Path, errors: Path
    ) -> _Forked:
        request = {
            "arguments": arguments,
            "folder": str(folder),
            "environment": dict(environment),
            "output": str(output),
            "errors": str(errors),
        }
        output.touch()  # a test may look at once
        requests, answers = self._pipes()
        with self._lock:
            requests.write(json.dumps(request) + "\n")
            requests.flush()
            pid = int(answers.readline())
        return _Forked(pid, forked.status_file(self._folder.name, pid), self._process)

    def close(self) -> None:
        for pipe in self._pipes():
            pipe.close()
        self._process.wait()
        self._folder.cleanup()

    def _pipes(self) -> tuple[IO[str], IO[str]]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return self._process.stdin, self._process.stdout


@functools.cache
def _launcher(program: str, _owner: int) -> _Launcher:
    return _Launcher(program)


def _main(program: str, folder: str) -> None:
    importlib.import_module(f"{program}.__main__")
    del sys.modules[f"{program}.__main__"]  # it is still to be run
    if "storage.client" in sys.modules:
        _read_ahead()
    forked.serve(program, folder)
    if sys.argv[1:]:
        forked.run_command(program)
    else:
        runpy.run_module(program, run_name="__main__", alter_sys=True)


def _read_ahead() -> None:
    """Read what boto3 reads for a first client; it asks nobody."""
    module = importlib.import_module("storage.client")
    session = module.open_session(importlib.import_module("storage.settings").StorageSettings(s3_bucket="none"))
    session.client("s3", "us-east-1", aws_access_key_id="none", aws_secret_access_key="none")


if __name__ == "__main__":
    _main(*sys.argv[1:])
