"""Reading one message: not if it is poison, within the CPU budget of its edge, and only of so many cameras."""

from dataclasses import dataclass, field

from storage.capture import Capture
from uploader.ingest.cameras import TOO_MANY, CameraNames
from uploader.ingest.cpu_budget import SECONDS_PER_SECOND, CpuBudgets
from uploader.ingest.offences import Offence, Offences
from uploader.ingest.parser import IncomingMessage, InvalidMessageError, edge_or_underscore, parse_capture
from uploader.ingest.poison.guard import REASON, PoisonGuard

TOO_COSTLY = (
    f"The images of the edge {{edge}} take more than {SECONDS_PER_SECOND:g} s of CPU a second: "
    "for now they are checked by structure and hash, not decoded"
)


@dataclass(frozen=True, slots=True)
class MessageReader:
    """Safe to use from several threads."""

    max_pixels: int
    poison: PoisonGuard
    cpu_budgets: CpuBudgets
    offences: Offences
    cameras: CameraNames = field(default_factory=CameraNames)

    def read(self, message: IncomingMessage) -> Capture:
        """Return the capture that the message holds; raises InvalidMessageError."""
        if self.poison.is_poison(message):
            raise InvalidMessageError(REASON, "poison")
        with self.poison.reading(message), self.cpu_budgets.meter(edge_or_underscore(message.topic)) as meter:
            capture = parse_capture(message, self.max_pixels, meter)
        if not self.cameras.admit(capture.edge, capture.camera):
            raise InvalidMessageError(TOO_MANY, "camera")
        if meter.was_refused:
            self.offences.count(capture.edge, Offence.UNDECODED, TOO_COSTLY.format(edge=capture.edge))
        return capture
