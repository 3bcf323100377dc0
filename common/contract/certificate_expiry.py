"""When the certificates of broker and edges end, as enrolment wrote it down."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Certificates:
    """Times by names; empty where enrolment runs elsewhere."""

    broker: datetime | None
    edges: Mapping[str, datetime]


def read(file: Path) -> Certificates:
    """Read what is there; a file that cannot be read is none."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        broker = datetime.fromisoformat(content["broker"]) if "broker" in content else None
        edges = {str(name): datetime.fromisoformat(ends) for name, ends in content["edges"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Certificates(None, {})
    return Certificates(broker, edges)
