"""What an uploader says about itself: to everybody every few seconds, and to whoever asks.

Asking reaches every uploader and takes over no session and no images. Only clients of the cloud's internal network may
write these topics (common/contract/topics.py): no edge is called _ or begins with it.
"""

import json
from dataclasses import asdict, dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class UploaderStatus:
    """What one uploader reports about itself."""

    uploader: str  # its client id
    problem: str | None

    def to_json(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def parse(cls, payload: bytes) -> Self | None:
        try:
            content = json.loads(payload)
            problem = content["problem"]
            return cls(str(content["uploader"]), None if problem is None else str(problem))
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
