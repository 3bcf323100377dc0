"""Child processes: each in its own folder with a log file, none left running when this process ends."""

import atexit
import contextlib
import fcntl
import functools
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

T = TypeVar("T")

LOOPBACK = "127.0.0.1"
START_SECONDS = 30.0
STOP_SECONDS = 30.0
POLL_SECONDS, MAX_POLL_SECONDS, SLOWER = 0.02, 0.25, 1.2  # seldomer the longer it takes: many wait at once
# Below Linux's and macOS's ephemeral range. A client that keeps trying a dead port, as a bridge does, may otherwise be
# given that very port as its own source port, and then keeps the server from coming back.
PORTS = range(15000, 32000)


class Child(Protocol):
    """A running program: what we use of subprocess.Popen."""

    @property
    def pid(self) -> int: ...
    @property
    def returncode(self) -> int | None: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def terminate(self) -> None: ...
    def send_signal(self, sig: int) -> None: ...


Launch = Callable[[Sequence[str], Path, Mapping[str, str], Path], Child]  # command, folder, environment, log

_running: set[Child] = set()
_reserved: set[int] = set()


class StartError(Exception):
    """A program ended before it answered; the message ends with the last lines of its log."""


@dataclass(frozen=True, slots=True)
class Process:
    """One running program, and what it takes to run the same again."""

    name: str
    log: Path
    popen: Child = field(repr=False)
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    leftovers: tuple[Path, ...] = ()  # files outside its folder that it does not remove when killed

    def alive(self) -> bool:
        return self.popen.poll() is None

    def stop(self, *, seconds: float = STOP_SECONDS) -> int:
        """Ask it to end (SIGTERM) and return its exit status; after `seconds` it is killed, which returns -9."""
        if self.alive():
            self.popen.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(seconds)
        return self.kill()

    def kill(self) -> int:
        """End it and all it started (SIGKILL), and return its exit status."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        _running.discard(self.popen)
        status = self.popen.wait()
        for file in self.leftovers:
            file.unlink(missing_ok=True)
        return status

    def signal(self, sig: signal.Signals) -> None:
        self.popen.send_signal(sig)

    def tail(self, lines: int = 20) -> str:
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def spawn(command: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path) -> Child:
    """Start a program with only this environment; its output is appended to the log."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [*_dies_with_us(), *command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches only this process, which decides how its children end
        )


def start(
    name: str, command: Sequence[str], folder: Path, environment: Mapping[str, str], launch: Launch = spawn
) -> Process:
    """Start a program in its folder with only this environment; its output is appended to NAME.log there."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{name}.log"
    # HOME is not the user's: keys for the real cloud may lie there.
    given = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), "LC_ALL": "C.UTF-8", **environment}
    child = launch(command, folder, given, log)
    _running.add(child)
    return Process(name, log, child, tuple(command), given)


def until_up(process: Process, answers: Callable[[], bool]) -> Process:
    """Return the process when it answers; raise StartError when it ends, TimeoutError when it stays silent."""

    def decided() -> bool:
        return not process.alive() or answers()

    try:
        wait_for(decided, seconds=START_SECONDS, what=f"{process.name} to answer")
    except TimeoutError:
        process.kill()
        raise
    if not process.alive():
        status = process.kill()
        raise StartError(f"{process.name} ended with status {status}: {process.tail(5)}")
    return process


def wait_for(
    condition: Callable[[], T],
    *,
    seconds: float,
    what: str,
    min_poll: float = POLL_SECONDS,
    max_poll: float = MAX_POLL_SECONDS,
) -> T:
    """Poll the condition until it is true and return its value; the TimeoutError names what was waited for.

    `min_poll`, `max_poll`: the first and the longest pause in seconds. Some conditions must be seen at once, and some
    cost much to ask for.
    """
    deadline = time.monotonic() + seconds
    pause, poll = threading.Event(), min_poll
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:g} s for {what}")
        pause.wait(poll)
        poll = min(poll * SLOWER, max_poll)
    return answer


def free_port() -> int:
    """Return a free loopback port; no other process of this user is given it while this one runs."""
    while True:
        port = random.choice(PORTS)  # noqa: S311 (not a secret; spread, so that two runs rarely collide)
        if port in _reserved or not _reserve(port):
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((LOOPBACK, port))
            _reserved.add(port)
            return port


@functools.cache
def _port_locks() -> BinaryIO:
    """Open the file whose byte N is locked by the process that uses port N; the kernel unlocks it when that ends."""
    locks = (Path(tempfile.gettempdir()) / f"usbcam-ports-{os.getuid()}").open("ab")
    atexit.register(locks.close)
    return locks


def _reserve(port: int) -> bool:
    try:
        fcntl.lockf(_port_locks(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return True


def _dies_with_us() -> list[str]:
    """Let Linux end the child when we are killed ourselves; atexit cannot.

    Linux means the thread that started it, hence the main thread only: a test's helper thread ends earlier.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None or threading.current_thread() is not threading.main_thread():
        return []
    return [setpriv, "--pdeathsig", "KILL", "--"]


@atexit.register
def _leave_nothing_running() -> None:
    for popen in tuple(_running):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(popen.pid, signal.SIGKILL)
        popen.wait()
