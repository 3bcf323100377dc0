"""The product's own enrolment for plain processes: the authority is kept next to the folders of its brokers."""

import base64
import gzip
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from common.runtime.files import SecretDir
from dev.harness.process import LOOPBACK
from enroll.authority import CertificateAuthority
from enroll.broker_sync import BrokerSync
from enroll.reports import write_expiry

PORT = 8883  # start_edge_broker says which it is


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a TLS client needs, as files."""

    authority: Path
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Enrolment:
    """One product's authority; `parts` is the folder that its parts' folders are in."""

    parts: Path
    mode: int = 0o600  # of what the brokers read
    answers: SecretDir | None = (
        None  # where the cloud broker answers; its own data folder, unless it runs in a container
    )

    @property
    def identity(self) -> Path:
        """What the cloud broker reads."""
        return self.parts / "identity"

    @property
    def uploader_password(self) -> Path:
        """The file with the uploader's password at the cloud broker."""
        return self.parts / "uploader-login" / "password"

    @property
    def gallery_password(self) -> Path:
        """The file with the gallery's."""
        return self.parts / "gallery-login" / "password"

    @property
    def dates(self) -> Path:
        """The file that tells the uploader who is revoked, and when certificates expire."""
        return self.uploader_password.parent / "dates.json"

    def prepare(self, hosts: Iterable[str] = (LOOPBACK,)) -> None:
        """Make what the cloud broker needs, unless it is there."""
        authority, broker = self._open()
        broker.publish(authority, list(hosts))
        ours = authority.passwords
        for file, password in ((self.uploader_password, ours.uploader), (self.gallery_password, ours.gallery)):
            file.parent.mkdir(exist_ok=True)
            SecretDir(file.parent).write(file.name, password.text.encode())
        self._write_dates(authority)

    def token(self, name: str, *, wait: bool = True) -> Path:
        """Return the file with the edge's token; the edge is enrolled unless it is already."""
        file = self.parts / "tokens" / name
        return file if file.exists() else self.enroll(name, wait=wait)

    def enroll(self, name: str, *, wait: bool = True) -> Path:
        """Enroll, or renew, and wait until a running broker knows."""
        authority, broker = self._open()
        renew = authority.registry.find(name) is not None
        token = authority.enroll(name, LOOPBACK, PORT, renew=renew)
        version = broker.publish(authority, [LOOPBACK], renewed=name if renew else "")
        self._write_dates(authority)
        if wait:
            broker.wait_applied(version)
        file = self.parts / "tokens" / name
        file.parent.mkdir(exist_ok=True)
        SecretDir(file.parent, self.mode).write(name, f"EDGE_TOKEN={token.encode()}\n".encode())
        return file

    def revoke(self, name: str) -> bool:
        """Revoke an edge; True when a running broker has done it."""
        authority, broker = self._open()
        authority.revoke(name)
        self._write_dates(authority)
        return broker.wait_applied(broker.publish(authority))

    def is_applied(self) -> bool:
        """Whether a running broker has applied all that was written for it."""
        authority, broker = self._open()
        return broker.wait_applied(broker.publish(authority))

    def connected(self) -> set[str]:
        return self._open()[1].connected()

    def credentials(self, name: str) -> Credentials:
        """Unpack the edge's token as its start.sh does."""
        return unpack_token(self.token(name).read_text(encoding="ascii"), self.parts / "credentials" / name)[1]

    def _write_dates(self, authority: CertificateAuthority) -> None:
        write_expiry(self.dates, authority, SecretDir(self.identity, self.mode).read("server.pem"))

    def _open(self) -> tuple[CertificateAuthority, BrokerSync]:
        for name in ("authority", "identity", "cloud-broker/data"):
            (self.parts / name).mkdir(parents=True, exist_ok=True)
        answers = self.answers or SecretDir(self.parts / "cloud-broker" / "data")
        broker = BrokerSync(SecretDir(self.identity, self.mode), answers)
        return CertificateAuthority(SecretDir(self.parts / "authority")), broker


def unpack_token(line: str, folder: Path) -> tuple[str, Credentials]:
    """Write the files of a token to the folder; return the edge's name, and them."""
    token = line.strip().removeprefix("EDGE_TOKEN=")
    text = gzip.decompress(base64.b64decode(token)).decode("ascii")
    fields, *files = text.split("\n[")
    folder.mkdir(parents=True, exist_ok=True)
    for part in files:
        file, _, content = part.partition("]\n")
        (folder / file).write_text(f"{content}\n", encoding="ascii")
    (name,) = (field.removeprefix("name=") for field in fields.splitlines() if field.startswith("name="))
    return name, Credentials(folder / "ca.crt", folder / "edge.crt", folder / "edge.key")
