"""What an uploader's host remembers over the end of a process: what was being read, and what was lost with it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.simulator.engine.simulation import Simulation
from uploader.ingest.poison.in_hand import Reading


@dataclass(slots=True)
class Journal:
    """The folder of one uploader."""

    reading: dict[int, Reading] = field(default_factory=dict)  # by slot
    losses: Counter[bytes] = field(default_factory=Counter)

    def mkdir(self, **_: object) -> None:
        return


class InHand:
    """In the place of the file with a slot for each thread."""

    def __init__(self, journal: Journal, slots: int) -> None:
        self._journal, self._free = journal, list(range(slots))

    @classmethod
    def open(cls, journal: Journal, slots: int) -> tuple["InHand", list[Reading]]:
        left = list(journal.reading.values())
        journal.reading.clear()
        return cls(journal, slots), left

    def put(self, reading: Reading) -> int:
        slot = self._free.pop()
        self._journal.reading[slot] = reading
        return slot

    def clear(self, slot: int) -> None:
        Simulation.current.running()  # a process that was killed clears nothing
        del self._journal.reading[slot]
        self._free.append(slot)

    def forget(self) -> None:
        self._journal.reading.clear()


class Suspects:
    """In the place of the file that counts losses."""

    def __init__(self, journal: Journal) -> None:
        self._losses = journal.losses

    def losses(self, identity: bytes) -> int:
        return self._losses.get(identity, 0)

    def add(self, identities: Iterable[bytes]) -> None:
        Simulation.current.running()
        self._losses.update(identities)

    def remove(self, identity: bytes) -> None:
        del self._losses[identity]
