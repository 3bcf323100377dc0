"""What the authority and the cloud broker tell each other: files, since enrolment has no network."""

import hashlib
import secrets
import time
from threading import Event

from common.runtime.files import SecretDir
from enroll import acl as rights
from enroll import x509 as certificate
from enroll.authority import Authority

APPLY_SECONDS = 10.0
ANSWER_SECONDS = 3.0
POLL_SECONDS = 0.05


class Broker:
    """`identity` is read by the broker's start.sh, `data` is where that one answers."""

    def __init__(self, identity: SecretDir, data: SecretDir) -> None:
        self._identity = identity
        self._data = data

    def tell(self, authority: Authority, hosts: list[str] | None = None, *, renewed: str = "") -> str:
        """Write what the broker must know, and return its version; without hosts the broker's certificate stays."""
        names = [edge.name for edge in authority.register.edges]
        server = self._identity.read("server.pem")
        files = {
            "ca.crt": certificate.certificate_pem(authority.certificate),
            "ca.crl": authority.revocations(self._identity.read("ca.crl")),
            "server.pem": server if hosts is None and server else authority.server(server, hosts or []),
            "clients.json": rights.whole(names, authority.password).encode(),
            "changes.json": rights.changes(names, authority.register.gone, renewed).encode(),
            # As mosquitto_pub reads its options from a file, so that no password stands on a command line.
            "mosquitto_pub": f"-u {rights.ADMIN}\n-P {authority.password.text}\n".encode(),
        }
        version = hashlib.sha256(b"\0".join(files.values())).hexdigest()
        for name, content in files.items():
            if self._identity.read(name) != content:
                self._identity.write(name, content)
        self._identity.write("version", f"{version}\n".encode())
        return version

    def applied(self, version: str) -> bool:
        """Wait until the broker has taken it over; False when none runs or it does not answer."""
        return self.answers() and self._says("applied", version, APPLY_SECONDS)

    def answers(self) -> bool:
        """Ask whether a broker runs; where none ever did, there is no need to wait."""
        if self._data.read("applied") is None:
            return False
        question = secrets.token_hex(8)
        self._identity.write("asked", f"{question}\n".encode())
        return self._says("answered", question, ANSWER_SECONDS)

    def connected(self) -> set[str]:
        """Name who is connected now."""
        return set(self._read("connected").split()) if self.answers() else set()

    def _says(self, name: str, word: str, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        pause = Event()
        while self._read(name) != word:
            if time.monotonic() > deadline:
                return False
            pause.wait(POLL_SECONDS)
        return True

    def _read(self, name: str) -> str:
        return (self._data.read(name) or b"").decode("ascii", "replace").strip()
