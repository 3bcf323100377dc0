"""Time, chance and tasks of one history: a single thread, a clock that jumps from event to event, and one seed."""

import hashlib
import random
import traceback
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from heapq import heappop, heappush
from typing import Any

import greenlet

WOKEN, TIMED_OUT = True, False  # why a task goes on
JITTER_SECONDS = 0.002  # how long a task that may run waits for its turn


class KilledError(BaseException):
    """The process of this task has ended; nothing of what it still does has an effect."""


class Task:
    """A thread of a simulated process."""

    __slots__ = ("done", "ended", "function", "greenlet", "number", "process", "switch", "token")

    def __init__(self, process: "Process", function: Callable[[], object], number: int) -> None:
        self.process, self.number = process, number
        self.function = function
        self.token = 0  # counts its waits, so that nothing wakes it from a later one
        self.done = False
        self.ended: list[Task] = []  # who waits for its end
        self.greenlet = greenlet.greenlet(self._run, process.simulation.hub)
        self.switch: Callable[[bool], object] = self.greenlet.switch

    def _run(self, _woken: bool) -> None:  # noqa: FBT001 -- as each `switch`
        simulation = self.process.simulation
        try:
            self.function()
        except KilledError:
            pass
        except BaseException:  # noqa: BLE001 -- whatever ends a thread is a finding
            simulation.report(f"{self.process.name}: a thread ended\n{traceback.format_exc(limit=-6)}")
        self.done = True
        for waiting in self.ended:
            simulation.wake(waiting)


class Process:
    """Some tasks that end together."""

    def __init__(self, simulation: "Simulation", name: str) -> None:
        self.simulation, self.name = simulation, name
        self.alive = True
        self.disk: Any = None
        self.clock_error: Callable[[], timedelta] = timedelta  # of its host
        self.tasks: list[Task] = []
        self.on_death: list[Callable[[], object]] = []  # sockets are closed, locks are released

    def spawn(self, function: Callable[[], object]) -> Task:
        simulation = self.simulation
        simulation.tasks_made += 1
        task = Task(self, function, simulation.tasks_made)
        self.tasks.append(task)
        simulation.wake(task)
        return task

    def kill(self) -> None:
        """SIGKILL. Never called by one of its own tasks."""
        if not self.alive:
            return
        self.alive = False
        for task in self.tasks:
            if not task.done and task.greenlet:
                task.greenlet.throw(KilledError)
            task.done = True
        for call in self.on_death:
            call()


class Simulation:
    """One history."""

    current: "Simulation"

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.now = 0.0  # monotonic seconds
        self.rng = random.Random(seed)
        self.hub = greenlet.getcurrent()
        self.task: Task | None = None  # which runs
        self.tasks_made = 0
        self.findings: list[str] = []
        self.counts: Counter[str] = Counter()  # of what makes a history rich
        self.lines: list[str] | None = None  # the trace, where somebody wants to read it
        self._trace = hashlib.sha256()
        # When, a number, what to call, and with what; without a call: a task goes on, unless its wait is over.
        self._events: list[tuple[float, int, Callable[..., object] | None, tuple[Any, ...]]] = []
        self._sequence = 0
        self._until = 0.0  # how far it runs before whoever runs it looks
        self._random, self._switch = self.rng.random, self.hub.switch
        Simulation.current = self

    @property
    def trace_hash(self) -> str:
        return self._trace.hexdigest()[:16]

    def trace(self, text: str) -> None:
        """Note what happened; two histories are the same if their traces are."""
        line = f"{self.now:.3f} {text}\n"
        self._trace.update(line.encode())
        if self.lines is not None:
            self.lines.append(line)

    def report(self, finding: str) -> None:
        """A broken promise."""
        self.trace(f"FOUND {finding.splitlines()[0]}")
        self.findings.append(f"after {self.now / 86400:.2f} days: {finding}")

    def jitter(self) -> float:
        return self._random() * JITTER_SECONDS

    def at(self, seconds: float, call: Callable[..., object], *arguments: Any) -> None:
        """Call in so many seconds, outside all tasks."""
        self._sequence = sequence = self._sequence + 1
        heappush(self._events, (self.now + seconds, sequence, call, arguments))

    def run(self, until: float) -> None:
        self._until, events = until, self._events
        while events and events[0][0] <= until:
            self.now, _, call, arguments = heappop(events)
            if call is not None:
                call(*arguments)
                continue
            task, token, woken = arguments
            if task.token == token and not task.done:
                task.token = token + 1
                self.task = task
                task.switch(woken)
                self.task = None
        self.now = until

    def block(self, seconds: float | None = None) -> bool:
        """Wait, as the running task; False after so many seconds, True if woken before."""
        task, events = self.task, self._events
        if task is None or not task.process.alive:
            raise KilledError  # as `running`, which here would cost as much as the rest
        if seconds is not None:
            due = self.now + seconds if seconds > 0.0 else self.now
            if due <= self._until and (not events or due < events[0][0]):
                self.now = due  # nothing happens before: it need not even give way
                return TIMED_OUT
            self._sequence = sequence = self._sequence + 1
            heappush(events, (due, sequence, None, (task, task.token + 1, TIMED_OUT)))
        task.token += 1
        woken: bool = self._switch()
        if not task.process.alive:
            raise KilledError
        return woken

    sleep = block

    def pause(self) -> None:
        """Give others their turn, as every system call may."""
        self.block(self._random() * JITTER_SECONDS)

    def wake(self, task: Task) -> None:
        self._sequence = sequence = self._sequence + 1
        due = self.now + self._random() * JITTER_SECONDS
        heappush(self._events, (due, sequence, None, (task, task.token, WOKEN)))

    def running(self) -> Task:
        """The running task; raises KilledError if its process has ended."""
        task = self.task
        if task is None or not task.process.alive:
            raise KilledError  # a task that is being killed runs its `finally`
        return task

    def process(self) -> Any:
        """The process of the running task."""
        return self.running().process
