"""The way of a picture as a row of lights: green where it works, with a sentence where it does not."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from camera.pipeline.camera_status import CameraState
from camera.web.context import Parts

MEGABYTE = 1_000_000
PATIENCE_SECONDS = 30.0  # for a receipt
FULL_SHARE = 0.8

Colour = Literal["green", "amber", "red", "grey"]


@dataclass(frozen=True, slots=True)
class Light:
    """One part of the way."""

    part: str
    colour: Colour
    words: str


class Lights:
    """Looks at the parts whenever it is asked."""

    def __init__(self, parts: Parts) -> None:
        """All of one service."""
        self._workers, self._spool = parts.workers, parts.spool
        self._publisher, self._journal = parts.publisher, parts.journal

    def now(self) -> list[Light]:
        """In the order of the way."""
        parts: tuple[tuple[str, Callable[[], tuple[Colour, str]]], ...] = (
            ("Camera" if len(self._workers) == 1 else "Cameras", self._cameras),
            ("Disk", self._disk),
            ("Broker", self._broker),
            ("Bridge", self._bridge),
            ("Cloud", self._cloud),
        )
        return [Light(part, *look()) for part, look in parts]

    def _cameras(self) -> tuple[Colour, str]:
        statuses = {worker.name: worker.status for worker in self._workers}
        problems = [status.problem for status in statuses.values() if status.problem]
        if problems:
            return "red", " ".join(problems)
        waiting = [name for name, status in statuses.items() if status.state is CameraState.STARTING]
        if waiting:
            return "grey", f"Waiting for the first frame of {', '.join(waiting)}."
        paused = [name for name, status in statuses.items() if status.state is CameraState.PAUSED]
        if paused:
            return "amber", f"Paused: {', '.join(paused)}."
        rate = sum(worker.rate.per_second() for worker in self._workers)
        return "green", f"{rate:.0f} frames a second processed."

    def _disk(self) -> tuple[Colour, str]:
        spool = self._spool
        if spool.trouble:
            return "red", spool.trouble
        words = f"{spool.depth} waiting, {spool.bytes / MEGABYTE:.1f} of {spool.max_bytes / MEGABYTE:,.0f} MB."
        if spool.dropped:
            return "red", f"{words} {spool.dropped} oldest were given up: SPOOL_MAX_MB is reached."
        return ("amber" if spool.bytes > FULL_SHARE * spool.max_bytes else "green"), words

    def _broker(self) -> tuple[Colour, str]:
        if self._publisher.connected:
            return "green", "The broker beside the camera answers."
        return "red", "The broker beside the camera does not answer: look at edge-broker (EDGE_BROKER_HOST)."

    def _bridge(self) -> tuple[Colour, str]:
        up = self._publisher.bridge_up
        if up:
            return "green", "Connected to the cloud."
        if not self._publisher.connected:
            return "grey", "Not known without the broker."
        if up is None or self._publisher.lacks_token:
            return "amber", "There is no bridge: set EDGE_TOKEN in .env. Captures wait on the disk."
        return "red", "The cloud cannot be reached: see the log of edge-broker. Captures wait on the disk."

    def _cloud(self) -> tuple[Colour, str]:
        if not (self._publisher.connected and self._publisher.bridge_up):
            return "grey", "Not known without the bridge."
        now = time.monotonic()
        age = min((now - at for at in self._settled()), default=math.inf)
        wait = max((now - at for at in self._unsettled()), default=0.0)
        if min(wait, age) > PATIENCE_SECONDS:
            return "amber", f"No receipt for {wait:.0f} s: look at the uploader (uploader check)."
        if math.isinf(age):
            return "grey", "No picture has been answered for since the start."
        return "green", f"The last receipt came {_ago(age)}; {self._publisher.stored} stored since the start."

    def _settled(self) -> Iterator[float]:
        return (entry.settled_at for entry in self._journal.recent() if entry.settled_at is not None)

    def _unsettled(self) -> Iterator[float]:
        return (entry.sent_at for entry in self._journal.recent() if entry.settled_at is None and entry.sent_at)


def _ago(seconds: float) -> str:
    for name, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {name} ago"
    return f"{seconds:.0f} s ago"
