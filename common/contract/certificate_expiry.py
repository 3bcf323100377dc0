"""When certificates expire, and who is revoked: enrolment writes it, uploader and gallery read it; no secrets."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True)
class CertificateExpiry:
    """Expiry dates; empty where enrolment runs elsewhere."""

    broker: datetime | None = None
    edges: Mapping[str, datetime] = field(default_factory=dict)
    authority: datetime | None = None
    revoked: frozenset[str] = frozenset()  # names of edges that were not enrolled again

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read the file; one that cannot be read is empty."""
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            edges = {str(name): datetime.fromisoformat(expires) for name, expires in content["edges"].items()}
            revoked = frozenset(map(str, content.get("revoked", ())))
            return cls(_time(content, "broker"), edges, _time(content, "authority"), revoked)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls()

    def to_json(self) -> bytes:
        """Write the file's content."""
        content: dict[str, object] = {"edges": {name: str(expires) for name, expires in self.edges.items()}}
        if self.revoked:
            content["revoked"] = sorted(self.revoked)
        if self.authority:
            content["authority"] = str(self.authority)
        if self.broker:
            content["broker"] = str(self.broker)
        return json.dumps(content, indent=1).encode()


def _time(content: Mapping[str, str], name: str) -> datetime | None:
    return datetime.fromisoformat(content[name]) if name in content else None
