"""Images that others publish, without a description: each is stored once, as far as an uploader can know it again."""

from dataclasses import dataclass
from datetime import date, timedelta

from common.contract.capture import CaptureId
from storage.keys.template import parse_id
from tests.simulator.engine.simulation import Process, Simulation
from tests.simulator.engine.threads import wall_clock


@dataclass(frozen=True, slots=True)
class Kept:
    """One object."""

    key: str
    at: float

    @property
    def edge(self) -> str:
        return self.key.partition("/")[0]

    @property
    def day(self) -> date | None:
        """When its bytes arrived first, by the clock of that uploader."""
        capture_id = parse_id(self.key)
        return CaptureId.parse(capture_id).captured_at.date() if capture_id else None


class BareImages:
    """What was published, where it is, and where an uploader has looked for it."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._kept: dict[bytes, list[Kept]] = {}
        self._looked_on: dict[tuple[Process, str], date] = {}  # by process and edge

    def __contains__(self, image: bytes) -> bool:
        return image in self._kept

    @property
    def newest(self) -> bytes:
        return next(reversed(self._kept))

    def add(self, image: bytes) -> None:
        self._kept[image] = []

    def note_look(self, prefix: str) -> None:
        """Once after its start an uploader looks into the bucket, for each edge, by the time of its host."""
        self._looked_on.setdefault((self._simulation.process(), prefix.partition("/")[0]), wall_clock().date())

    def note_kept(self, image: bytes, key: str) -> None:
        self._kept[image].append(Kept(key, self._simulation.now))

    def check(self, image: bytes, running_seconds: float) -> None:
        """After it was stored by the only uploader, which has been running for so long.

        What was stored before its start it need not know, but for that of the day of its look and of the day before.
        """
        *others, last = self._kept[image]
        earlier = [each for each in others if each.edge == last.edge]  # each edge has its own
        began_at = self._simulation.now - running_seconds
        looked_on = self._looked_on.get((self._simulation.process(), last.edge))
        days = {looked_on, looked_on - timedelta(days=1)} if looked_on else None
        if any(each.at >= began_at or days is None or each.day in days for each in earlier):
            self._simulation.report(f"the same image is stored as {[each.key for each in (*earlier, last)]}")
