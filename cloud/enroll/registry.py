"""Which edges are enrolled, and which certificates are revoked."""

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Self

from common.contract import topics
from enroll.x509 import Certificate

MAX_LENGTH = 63  # of the contract
UPLOADER_PREFIX = "uploader"  # an edge's name is its client id, and those that begin so belong to the uploaders


class EnrollmentError(Exception):
    """A name that cannot be enrolled, or is not enrolled; the text is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class EnrolledEdge:
    """One enrolled edge."""

    name: str
    serial: int
    enrolled_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class EdgeRegistry:
    """Everything that the authority remembers."""

    edges: tuple[EnrolledEdge, ...] = ()
    revoked: tuple[int, ...] = ()  # serial numbers
    revoked_names: tuple[str, ...] = ()  # of edges that were revoked and not enrolled again

    def find(self, name: str) -> EnrolledEdge | None:
        return next((edge for edge in self.edges if edge.name == name), None)

    def with_edge(self, name: str, certificate: Certificate) -> Self:
        """Add an edge; the certificate it had before is revoked."""
        edge = EnrolledEdge(name, certificate.serial_number, datetime.now(UTC), certificate.not_valid_after_utc)
        rest = self.without_edge(name)
        revoked_names = tuple(other for other in rest.revoked_names if other != name)
        return replace(rest, edges=(*rest.edges, edge), revoked_names=revoked_names)

    def without_edge(self, name: str) -> Self:
        """Remove an edge and revoke its certificate."""
        edge = self.find(name)
        if edge is None:
            return self
        rest = tuple(other for other in self.edges if other.name != name)
        revoked_names = tuple(dict.fromkeys((*self.revoked_names, name)))
        return replace(self, edges=rest, revoked=(*self.revoked, edge.serial), revoked_names=revoked_names)

    def to_json(self) -> str:
        return json.dumps(asdict(self), default=_iso, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Self:
        content = json.loads(text)
        edges = tuple(_edge(entry) for entry in content["edges"])
        return cls(edges, tuple(content["revoked"]), tuple(content["revoked_names"]))


def check_name(name: str) -> None:
    """Raises EnrollmentError."""
    if len(name) > MAX_LENGTH:
        raise EnrollmentError(f"the name is {len(name)} characters long; choose one of at most {MAX_LENGTH}")
    if not topics.is_edge_name(name) or name.startswith(UPLOADER_PREFIX):
        words = f"{', '.join(sorted(topics.RESERVED_EDGE_NAMES))} or {UPLOADER_PREFIX}..."
        raise EnrollmentError(f"{name} cannot be a name; use a-z, 0-9 and -, not first, and not {words}")


def _edge(entry: dict[str, str]) -> EnrolledEdge:
    times = (datetime.fromisoformat(entry[key]) for key in ("enrolled_at", "expires_at"))
    return EnrolledEdge(entry["name"], int(entry["serial"]), *times)


def _iso(time: datetime) -> str:
    return time.isoformat(timespec="seconds")
