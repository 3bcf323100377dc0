"""What is stored: a capture with its metadata, or a message that was rejected."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from common.contract.capture import CAPTURE_ID, SCHEMA, CaptureId
from common.contract.times import timestamp

REJECTED_FOLDER = "rejected/"  # the folder of what was rejected; no edge may be called that
UNKNOWN_CAMERA = "unknown"
IMAGE_TYPES = ("image/png", "image/jpeg")
OUR_METADATA = frozenset({"id", "edge", "camera", "captured_at"})  # of every capture


def contract_names(metadata: Mapping[str, str]) -> dict[str, str]:
    """An object's metadata in the contract's words, in whatever case the store returns it; older objects have _."""
    return {_contract_name(name): text for name, text in metadata.items()}


@lru_cache
def _contract_name(name: str) -> str:
    return name.lower().replace("-", "_")


@dataclass(frozen=True, slots=True)
class Capture:
    """One image from one camera; a bare image came without metadata."""

    edge: str
    camera: str
    captured_at: datetime  # aware, UTC; for a bare image, when it arrived
    image: bytes = field(repr=False)
    content_type: str
    sha256: str
    bare: bool = False
    details: Mapping[str, str] = field(default_factory=dict)  # box, score, quality, track
    id: str = field(init=False)  # the same bytes at the same time are the same capture

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", str(CaptureId.from_sha256(self.captured_at, self.sha256)))

    @property
    def metadata(self) -> dict[str, str]:
        """What its message said, and the edge, which not every S3_KEY_TEMPLATE has in the key."""
        return {
            "schema": str(SCHEMA),
            "id": self.id,
            "edge": self.edge,
            "camera": self.camera,
            "captured_at": timestamp(self.captured_at),
            **self.details,
        }

    @property
    def object_metadata(self) -> dict[str, str]:
        """The same in names that every proxy passes on: many drop a header with _ in its name."""
        return {name.replace("_", "-"): text for name, text in self.metadata.items()}


@dataclass(frozen=True, slots=True)
class RejectedMessage:
    """Bytes that can never be stored as a capture, kept for whoever wants to know why."""

    edge: str
    payload: bytes = field(repr=False)
    sha256: str
    reason: str

    @property
    def key(self) -> str:
        """The same bytes get the same key, however often they arrive."""
        return f"{REJECTED_FOLDER}{self.edge}/{self.sha256}.bin"


def is_stored_capture(metadata: Mapping[str, str], content_type: str) -> bool:
    """Whether an object is a capture that an uploader wrote, by its metadata, whatever its key."""
    is_image = content_type.partition(";")[0].strip().lower() in IMAGE_TYPES
    return is_image and metadata.keys() >= OUR_METADATA and CAPTURE_ID.fullmatch(metadata["id"]) is not None
