"""The launcher's own side: it forks a process for each request, and writes down how each ended."""

import atexit
import ctypes
import gc
import io
import json
import os
import runpy
import signal
import sys
import threading
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1


def status_file(folder: str, pid: int) -> Path:
    """Return where the exit status of a process stands as soon as it has ended."""
    return Path(folder) / str(pid)


def serve(program: str, folder: str) -> None:
    """Fork for each request; only a child returns, to run the program. The end of the requests ends the children."""
    gc.freeze()  # a collection in a child would copy what all share
    parent = os.getpid()
    signal.signal(signal.SIGCHLD, lambda *_: _reap(folder))
    for line in sys.stdin:
        if os.fork() == 0:
            _set_free(parent, folder)
            _become(**json.loads(line))
            sys.argv[0] = program
            return
    os._exit(0)


def run_command(program: str) -> None:
    """Run a command, and end without clearing away what is shared: that costs more than the command."""
    status = 0
    try:
        runpy.run_module(program, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if not isinstance(end.code, int | None):
            raise
        status = end.code or 0
    threading._shutdown()  # type: ignore[attr-defined] # noqa: SLF001 (as the interpreter ends)
    atexit._run_exitfuncs()  # noqa: SLF001
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status & 0xFF)


def _reap(folder: str) -> None:
    """Write down the status of each child that has ended."""
    try:
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            file = status_file(folder, ended[0])
            written = file.with_suffix(".new")
            written.write_text(str(os.waitstatus_to_exitcode(ended[1])), encoding="ascii")
            written.rename(file)
    except ChildProcessError:  # there is none left
        pass


def _set_free(parent: int, folder: str) -> None:
    """Be a process of its own, and answer with its number."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    _die_with(parent)
    status_file(folder, os.getpid()).unlink(missing_ok=True)  # of an earlier one with this number
    os.write(1, f"{os.getpid()}\n".encode())


def _become(arguments: list[str], folder: str, environment: dict[str, str], output: str, errors: str) -> None:
    """Take on what the request says, with an empty standard input."""
    for number, name, flags in ((0, os.devnull, os.O_RDONLY), (1, output, os.O_WRONLY), (2, errors, os.O_WRONLY)):
        opened = os.open(name, flags | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    if environment.get("PYTHONUNBUFFERED") and isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(write_through=True)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(folder)
    sys.argv[1:] = arguments


def _die_with(parent: int) -> None:
    """Let Linux end the child with the launcher, which ends with the tests."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
