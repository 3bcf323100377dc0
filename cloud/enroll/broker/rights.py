"""Who may come in, and how a broker is told: as files, since enrolment has no network."""

import base64
import json
import secrets
from dataclasses import asdict, dataclass
from typing import Protocol, Self

UPLOADER, GALLERY = "Uploader", "Gallery"  # no edge can have such a name


@dataclass(frozen=True, slots=True)
class Password:
    """A password that this program makes, for a program of ours."""

    text: str
    salt: str

    @classmethod
    def new(cls) -> Self:
        return cls(secrets.token_urlsafe(32), base64.b64encode(secrets.token_bytes(12)).decode())

    @classmethod
    def from_json(cls, text: str) -> Self:
        return cls(**json.loads(text))

    def to_json(self) -> str:
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class Passwords:
    """`admin` is for watch.sh, which changes Mosquitto's rights while it runs; the others for whom they are called."""

    admin: Password
    uploader: Password
    gallery: Password


@dataclass(frozen=True, slots=True)
class Rights:
    """Who is enrolled and who no more. `renewed` has a new certificate, and is disconnected once."""

    names: tuple[str, ...]
    revoked_names: tuple[str, ...]
    revocation_list: bytes
    passwords: Passwords
    renewed: str = ""


class BrokerFiles(Protocol):
    """One kind of broker."""

    def files(self, rights: Rights) -> dict[str, bytes]:
        """Return what its script applies, by file name; equal rights give equal files."""
        ...
