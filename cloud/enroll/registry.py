"""Who is enrolled, and which certificates are no longer good."""

import json
import re
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Self

from enroll.x509 import Certificate

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
RESERVED = frozenset({"status", "images", "receipts"})  # words of the contract
UPLOADER = "uploader"  # an edge's name is its client id, and those that begin so belong to the uploaders


class NameError_(Exception):  # noqa: N801, N818 -- NameError is taken
    """A name that cannot be enrolled, or is not; in a sentence."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One enrolled edge."""

    name: str
    serial: int
    enrolled_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Register:
    """All that the authority remembers."""

    edges: tuple[Edge, ...] = ()
    revoked: tuple[int, ...] = ()  # serial numbers
    gone: tuple[str, ...] = field(default=())  # names that were revoked and not enrolled again

    def find(self, name: str) -> Edge | None:
        return next((edge for edge in self.edges if edge.name == name), None)

    def with_edge(self, name: str, certificate: Certificate) -> Self:
        """Enter an edge; what it had before is revoked."""
        edge = Edge(name, certificate.serial_number, datetime.now(UTC), certificate.not_valid_after_utc)
        rest = self.without(name) if self.find(name) else self
        gone = tuple(other for other in rest.gone if other != name)
        return replace(rest, edges=(*rest.edges, edge), gone=gone)

    def without(self, name: str) -> Self:
        """Strike an edge off."""
        edge = self.find(name)
        if edge is None:
            return self
        rest = tuple(other for other in self.edges if other.name != name)
        gone = tuple(dict.fromkeys((*self.gone, name)))
        return replace(self, edges=rest, revoked=(*self.revoked, edge.serial), gone=gone)

    def to_json(self) -> str:
        return json.dumps(asdict(self), default=_text, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Self:
        content = json.loads(text)
        edges = tuple(_edge(entry) for entry in content["edges"])
        return cls(edges, tuple(content["revoked"]), tuple(content["gone"]))


def check_name(name: str) -> None:
    if len(name) > 63:  # noqa: PLR2004 (of the contract)
        raise NameError_(f"the name is {len(name)} characters long; choose one of at most 63")
    if not NAME.fullmatch(name) or name in RESERVED or name.startswith(UPLOADER):
        words = "status, images, receipts or uploader..."
        raise NameError_(f"{name} cannot be a name; use a-z, 0-9 and -, not first, and not {words}")


def _edge(entry: dict[str, str]) -> Edge:
    times = (datetime.fromisoformat(entry[key]) for key in ("enrolled_at", "expires_at"))
    return Edge(entry["name"], int(entry["serial"]), *times)


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
