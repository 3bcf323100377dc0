"""The delivery path as a row of stages: whether each works, and in one sentence what to do where it does not."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from camera.delivery.delivery_status import DeliveryStatus, Link
from camera.web.context import WebContext
from common.contract.status import CameraState

MEGABYTE = 1_000_000
RECEIPT_TIMEOUT_SECONDS = 30.0
NEARLY_FULL = 0.8  # of SPOOL_MAX_MB

Level = Literal["ok", "warning", "error", "unknown", "paused"]


@dataclass(frozen=True, slots=True)
class StageStatus:
    """One stage of the delivery path."""

    stage: str
    level: Level
    message: str


class PipelineStatus:
    """Reads the status of every stage when asked."""

    def __init__(self, context: WebContext) -> None:
        self._workers, self._spool = context.workers, context.spool
        self._history = context.history

    def read(self, delivery: DeliveryStatus) -> list[StageStatus]:
        """All stages, in the order in which a capture passes them."""
        return [
            StageStatus("Camera" if len(self._workers) == 1 else "Cameras", *self._cameras()),
            StageStatus("Disk", *self._disk()),
            StageStatus("Broker", *_broker(delivery.link)),
            StageStatus("Bridge", *_bridge(delivery.link)),
            StageStatus("Cloud", *self._cloud(delivery)),
        ]

    def _cameras(self) -> tuple[Level, str]:
        statuses = {worker.name: worker.status for worker in self._workers}
        problems = [status.problem for status in statuses.values() if status.problem]
        if problems:
            return "error", " ".join(problems)
        blind = [f"{name}: {problem}" for name, status in statuses.items() if (problem := status.blindness.problem)]
        if blind:
            return "error", " ".join(blind)
        waiting = [name for name, status in statuses.items() if status.state is CameraState.STARTING]
        if waiting:
            return "unknown", f"Waiting for the first frame from {', '.join(waiting)}."
        paused = [name for name, status in statuses.items() if status.state is CameraState.PAUSED]
        if paused:
            return "paused", f"Paused: {', '.join(paused)}."
        rate = sum(worker.rate.per_second() for worker in self._workers)
        return "ok", f"{rate:.0f} frames per second."

    def _disk(self) -> tuple[Level, str]:
        spool = self._spool
        if spool.problem:
            return "error", spool.problem
        usage = f"{spool.depth} waiting, {spool.bytes / MEGABYTE:.1f} of {spool.max_bytes / MEGABYTE:,.0f} MB."
        if spool.dropped:
            return "error", f"{usage} The {spool.dropped} oldest were deleted: SPOOL_MAX_MB is reached."
        return ("warning" if spool.bytes > NEARLY_FULL * spool.max_bytes else "ok"), usage

    def _cloud(self, delivery: DeliveryStatus) -> tuple[Level, str]:
        if delivery.link is not Link.UP:
            return "unknown", "Unknown without the bridge."
        now = time.monotonic()
        age = min((now - at for at in self._completed_times()), default=math.inf)
        wait = max((now - at for at in self._pending_times()), default=0.0)
        if min(wait, age) > RECEIPT_TIMEOUT_SECONDS:
            return "warning", f"No receipt for {wait:.0f} s: run ./usbcam check on the cloud host."
        if math.isinf(age):
            return "unknown", "No receipt since the start."
        return "ok", f"Last receipt {_ago(age)}; {delivery.stored} captures stored since the start."

    def _completed_times(self) -> Iterator[float]:
        return (record.completed_at for record in self._history.recent() if record.completed_at is not None)

    def _pending_times(self) -> Iterator[float]:
        records = self._history.recent()
        return (record.published_at for record in records if record.completed_at is None and record.published_at)


def _broker(link: Link) -> tuple[Level, str]:
    if link is Link.NO_BROKER:
        return "error", "The edge broker does not answer: check edge-broker (EDGE_BROKER_HOST)."
    return "ok", "Connected to the edge broker."


def _bridge(link: Link) -> tuple[Level, str]:
    match link:
        case Link.UP:
            return "ok", "Connected to the cloud."
        case Link.NO_BROKER:
            return "unknown", "Unknown without the broker."
        case Link.NO_BRIDGE:
            return "warning", "There is no bridge: set EDGE_TOKEN in .env. Captures wait on disk."
        case Link.BRIDGE_DOWN:
            return "error", "The cloud cannot be reached: see the log of edge-broker. Captures wait on disk."


def _ago(seconds: float) -> str:
    for name, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {name} ago"
    return f"{seconds:.0f} s ago"
