"""How delivery goes: how far captures get, and one snapshot that is replaced as a whole."""

from enum import Enum, auto
from typing import NamedTuple


class Bridge(Enum):
    """The bridge from the edge broker to the cloud, as that broker said last."""

    UNKNOWN = auto()  # it has said nothing yet, or is not the shipped broker
    DOWN = auto()
    UP = auto()


class Link(Enum):
    """How far a capture gets now."""

    NO_BROKER = auto()  # the edge broker does not answer
    NO_BRIDGE = auto()  # that broker has no token, or does not say that there is a bridge
    BRIDGE_DOWN = auto()
    UP = auto()  # to the cloud


class DeliveryStatus(NamedTuple):  # a frozen dataclass takes four times as long to replace, a few times a capture
    """Delivery at one moment. Every reader sees one whole snapshot, never half of two."""

    connected: bool = False  # to the edge broker
    bridge: Bridge = Bridge.UNKNOWN
    token_missing: bool = False  # as far as that broker says
    acknowledged_at: float | None = None  # monotonic: when that broker last acknowledged something
    stored: int = 0  # captures since the start
    rejected: int = 0  # captures that the cloud rejected since the start
    in_flight: int = 0  # captures that are published and not completed

    @property
    def link(self) -> Link:
        """What the broker has said, taken together."""
        if not self.connected:
            return Link.NO_BROKER
        if self.bridge is Bridge.UP:
            return Link.UP
        if self.bridge is Bridge.UNKNOWN or self.token_missing:
            return Link.NO_BRIDGE
        return Link.BRIDGE_DOWN
