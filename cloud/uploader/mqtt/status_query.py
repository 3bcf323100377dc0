"""Asks who is uploading: a request that reaches every uploader and takes over no session and no images.

Only clients of the cloud's internal network may write these topics (cloud/enroll/acl.py): no edge is called _.
"""

import json
import re
from dataclasses import asdict, dataclass
from typing import Self

STATUS_REQUEST_TOPIC = "usbcam/_/receipts"
RESPONSE_TOPIC = re.compile(r"usbcam/_[a-z0-9-]{1,60}/receipts")


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
        except (ValueError, KeyError, TypeError):
            return None


def response_topic(requester: str) -> str:
    """The topic on which `requester` expects the responses."""
    return f"usbcam/_{requester}/receipts"


def is_response_topic(topic: str) -> bool:
    """Tell whether a request names a topic for responses, and not an edge's."""
    return RESPONSE_TOPIC.fullmatch(topic) is not None
