"""What the shipped code imports from threading, queue and time, by the simulation's clock."""

import queue
import types
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.simulator.engine.simulation import KilledError, Simulation, Task

EPOCH = datetime(2026, 11, 22, 6, 33, 25, tzinfo=UTC)  # true time at the beginning of each history


def monotonic() -> float:
    return Simulation.current.now


def true_time() -> datetime:
    return EPOCH + timedelta(seconds=Simulation.current.now)


def wall_clock() -> datetime:
    """What the host of the running process takes for the time."""
    task = Simulation.current.task
    return true_time() + (task.process.clock_error() if task else timedelta())


class Lock:
    """Not reentrant, as Python's."""

    def __init__(self) -> None:
        self._owner: Task | None = None
        self._waiting: deque[Task] = deque()

    def acquire(self) -> bool:
        simulation = Simulation.current
        task = simulation.task
        if self._owner is None and (task is None or task.process.alive):
            self._owner = task  # outside all tasks nothing runs beside
            return True
        task = simulation.running()
        while self._owner is not None and not self._owner.done:
            self._waiting.append(task)
            simulation.block()
        self._owner = task
        return True

    def release(self) -> None:
        self._owner = None
        if self._waiting:
            Simulation.current.wake(self._waiting.popleft())

    __enter__ = acquire

    def __exit__(self, *_: object) -> None:
        self._owner = None
        if self._waiting:
            Simulation.current.wake(self._waiting.popleft())


class Condition(Lock):
    """It is its own lock."""

    def __init__(self) -> None:
        super().__init__()
        self._listening: list[Task] = []  # for `notify`

    def wait(self, timeout: float | None = None) -> bool:
        simulation = Simulation.current
        task = simulation.running()
        self._listening.append(task)
        self.release()
        woken = simulation.block(timeout)
        if not woken and task in self._listening:
            self._listening.remove(task)
        self.acquire()
        return woken

    def wait_for(self, predicate: Callable[[], object], timeout: float | None = None) -> bool:
        deadline = None if timeout is None else monotonic() + timeout
        while not predicate():
            if deadline is not None and monotonic() >= deadline:
                return bool(predicate())
            self.wait(None if deadline is None else deadline - monotonic())
        return True

    def notify(self, number: int = 1) -> None:
        woken, self._listening = self._listening[:number], self._listening[number:]
        for task in woken:
            Simulation.current.wake(task)

    def notify_all(self) -> None:
        self.notify(len(self._listening))


class Event:
    def __init__(self) -> None:
        self._is_set = False
        self._waiting: list[Task] = []

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        self._is_set = True
        self.nudge()

    def clear(self) -> None:
        self._is_set = False

    def nudge(self) -> None:
        """Let whoever waits go on although it is not set, as after its timeout."""
        woken, self._waiting = self._waiting, []
        for task in woken:
            Simulation.current.wake(task)

    def wait(self, timeout: float | None = None) -> bool:
        if not self._is_set:
            self._waiting.append(Simulation.current.running())
            Simulation.current.block(timeout)
        return self._is_set


class Thread:
    def __init__(
        self, target: Callable[..., object], name: str = "", args: tuple[Any, ...] = (), *, daemon: bool = True
    ) -> None:
        self.name, self.daemon = name, daemon
        self._function = lambda: target(*args)
        self._task: Task | None = None

    def start(self) -> None:
        self._task = Simulation.current.process().spawn(self._function)

    def is_alive(self) -> bool:
        return self._task is not None and not self._task.done

    def join(self, timeout: float | None = None) -> None:
        if self._task is not None and not self._task.done:
            self._task.ended.append(Simulation.current.running())
            Simulation.current.block(timeout)


class SimpleQueue:
    """Of queue."""

    def __init__(self) -> None:
        self._items: deque[Any] = deque()
        self._waiting: deque[Task] = deque()

    def put(self, item: Any) -> None:
        self._items.append(item)
        if self._waiting:  # as `nudge`
            Simulation.current.wake(self._waiting.popleft())

    def nudge(self) -> None:
        """Let whoever waits go on without anything, as after its timeout."""
        if self._waiting:
            Simulation.current.wake(self._waiting.popleft())

    def get(self, timeout: float | None = None) -> Any:
        if not self._items:
            simulation = Simulation.current
            task = simulation.running()
            self._waiting.append(task)
            woken = simulation.block(timeout)
            if not woken and task in self._waiting:
                self._waiting.remove(task)
        if not self._items:
            raise queue.Empty
        return self._items.popleft()


def get_ident() -> int:
    task = Simulation.current.task
    return task.number if task else 0


class WallClock(datetime):
    """`datetime` by the clock of the host."""

    @classmethod
    def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
        return wall_clock().astimezone(tz)


THREADING = types.SimpleNamespace(Lock=Lock, Condition=Condition, Event=Event, Thread=Thread, get_ident=get_ident)
QUEUE = types.SimpleNamespace(SimpleQueue=SimpleQueue, Empty=queue.Empty)
TIME = types.SimpleNamespace(monotonic=monotonic, time=lambda: wall_clock().timestamp())
__all__ = ["EPOCH", "QUEUE", "THREADING", "TIME", "KilledError", "SimpleQueue", "WallClock", "monotonic", "true_time"]
