"""How the authority and the cloud broker exchange files, since enrolment has no network."""

import hashlib
import secrets
import time
from threading import Event

from common.runtime.files import SecretDir
from enroll import x509
from enroll.authority import CertificateAuthority
from enroll.broker.mosquitto import Mosquitto
from enroll.broker.rabbitmq import RabbitMQ
from enroll.broker.rights import BrokerFiles, Rights

# Each is told: then another broker needs no setting, and there is none to forget. Its script reads what is its own.
BROKERS: tuple[BrokerFiles, ...] = (Mosquitto(), RabbitMQ())
APPLY_SECONDS = 10.0
ANSWER_SECONDS = 3.0
POLL_SECONDS = 0.05


class BrokerSync:
    """Writes `identity`, which the broker's start.sh and watch.sh read; they answer in `data`."""

    def __init__(self, identity: SecretDir, data: SecretDir) -> None:
        self._identity = identity
        self._data = data

    def publish(self, authority: CertificateAuthority, hosts: list[str] | None = None, *, renewed: str = "") -> str:
        """Write what the broker must know and return its version; without hosts the broker keeps its certificate."""
        registry, server = authority.registry, self._identity.read("server.pem")
        crl = authority.revocation_list(self._identity.read("ca.crl"))
        names = tuple(edge.name for edge in registry.edges)
        rights = Rights(names, registry.revoked_names, crl, authority.passwords, renewed)
        files = {
            "ca.crt": x509.certificate_pem(authority.certificate),
            "ca.crl": crl,
            "server.pem": server if hosts is None and server else authority.server_certificate(server, hosts or []),
            "revoked": "".join(f"{name}\n" for name in registry.revoked_names).encode(),
        }
        for broker in BROKERS:
            files |= broker.files(rights)
        version = hashlib.sha256(b"\0".join(files.values())).hexdigest()
        for name, content in files.items():
            if self._identity.read(name) != content:
                self._identity.write(name, content)
        self._identity.write("version", f"{version}\n".encode())
        return version

    def wait_applied(self, version: str) -> bool:
        """Wait until the broker has applied a version; False when none is running or it does not answer."""
        return self.is_running() and self._wait_for("applied", version, APPLY_SECONDS)

    def is_running(self) -> bool:
        """Whether a broker answers; where none ever ran, there is no need to wait."""
        if self._data.read("applied") is None:
            return False
        request = secrets.token_hex(8)
        self._identity.write("asked", f"{request}\n".encode())
        return self._wait_for("answered", request, ANSWER_SECONDS)

    def connected(self) -> set[str]:
        """The names of the edges that are connected now."""
        return set(self._read("connected").split()) if self.is_running() else set()

    def _wait_for(self, name: str, text: str, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        pause = Event()
        while self._read(name) != text:
            if time.monotonic() > deadline:
                return False
            pause.wait(POLL_SECONDS)
        return True

    def _read(self, name: str) -> str:
        return (self._data.read(name) or b"").decode("ascii", "replace").strip()
