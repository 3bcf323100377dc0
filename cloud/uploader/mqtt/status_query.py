"""How to ask who is uploading: a question that reaches every uploader, and takes nobody's session or images.

The topics are among those that only the inside of the cloud may write (cloud/enroll/rights.py): no edge is called _.
"""

import json
import re
from dataclasses import asdict, dataclass
from typing import Self

QUESTION = "usbcam/_/receipts"
ANSWERS = re.compile(r"usbcam/_[a-z0-9-]{1,60}/receipts")


@dataclass(frozen=True, slots=True)
class Present:
    """One uploader, in its own words."""

    uploader: str  # its client id
    problem: str | None

    def write(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def read(cls, text: bytes) -> Self | None:
        try:
            said = json.loads(text)
            return cls(str(said["uploader"]), None if said["problem"] is None else str(said["problem"]))
        except (ValueError, KeyError, TypeError):
            return None


def answers_to(asker: str) -> str:
    """Name the topic on which `asker` waits for answers."""
    return f"usbcam/_{asker}/receipts"


def may_answer_on(topic: str) -> bool:
    """Tell whether a question names a topic for its answers and not an edge's."""
    return ANSWERS.fullmatch(topic) is not None
