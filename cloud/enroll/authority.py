"""The certificate authority: its key, its register, and what it gives out."""

from datetime import UTC, datetime, timedelta

from common.runtime.files import SecretDir, SecretDirError
from enroll import acl as rights
from enroll import x509 as certificate
from enroll.acl import Password
from enroll.edge_token import Token
from enroll.registry import NameError_, Register, check_name
from enroll.x509 import Certificate, Key

RENEW = timedelta(days=365)  # before the end
# By these a broker on the same machine, or in the same Compose project, is reached; nobody else can own them there.
HERE = ("localhost", "127.0.0.1", "cloud-broker", "host.docker.internal")


class Authority:
    """Works on one folder, which must be locked by the caller."""

    def __init__(self, folder: SecretDir) -> None:
        self._folder = folder
        try:
            self.key, self.certificate = self._own()
            self.password = self._password()
            text = folder.read("register.json")
            self.register = Register.from_json(text.decode()) if text else Register()
        except (ValueError, TypeError, KeyError) as error:
            raise SecretDirError(
                f"a file in {folder.path} is damaged ({error}); restore the folder from a backup"
            ) from error

    def enrol(self, name: str, host: str, port: int, *, again: bool) -> Token:
        """Make a certificate for an edge and enter it."""
        check_name(name)
        if self.register.find(name) and not again:
            raise NameError_(f"{name} is enrolled already; --renew makes a new token and ends the one it has")
        key = certificate.new_key()
        signed = certificate.sign_edge(self.key, key.public_key(), name)
        self._enter(self.register.with_edge(name, signed))
        return Token(
            name=name,
            host=host,
            port=port,
            expires_at=signed.not_valid_after_utc,
            authority=certificate.certificate_pem(self.certificate),
            certificate=certificate.certificate_pem(signed),
            key=certificate.key_pem(key),
        )

    def revoke(self, name: str) -> None:
        """Strike an edge off."""
        if self.register.find(name) is None:
            raise NameError_(f"{name} is not enrolled; --list shows who is")
        self._enter(self.register.without(name))

    def server(self, old: bytes | None, hosts: list[str]) -> bytes:
        """Return the broker's certificate and key: the old ones while they are good, else new ones."""
        wanted = list(dict.fromkeys((*hosts, *HERE)))
        if old and self._is_good(old, set(wanted)):
            return old
        key = certificate.new_key()
        signed = certificate.sign_server(self.key, key.public_key(), wanted)
        return certificate.certificate_pem(signed) + certificate.key_pem(key)

    def revocations(self, old: bytes | None) -> bytes:
        """Return the list of revoked certificates: the old one while nothing has changed."""
        if old and certificate.revoked_serials(old) == set(self.register.revoked):
            return old
        return certificate.sign_revocations(self.key, self.register.revoked)

    def _is_good(self, pem: bytes, hosts: set[str]) -> bool:
        try:
            signed = certificate.read_certificate(pem)
            signed.verify_directly_issued_by(self.certificate)
        except Exception:  # noqa: BLE001 -- whatever is wrong with it, a new one is made
            return False
        return certificate.hosts_of(signed) == hosts and signed.not_valid_after_utc - datetime.now(UTC) > RENEW

    def _own(self) -> tuple[Key, Certificate]:
        stored = self._folder.read("ca.pem")
        if stored is None:
            key = certificate.new_key()
            signed = certificate.make_authority(key)
            self._folder.write("ca.pem", certificate.certificate_pem(signed) + certificate.key_pem(key))
            return key, signed
        return certificate.read_key(stored), certificate.read_certificate(stored)

    def _password(self) -> Password:
        stored = self._folder.read("password.json")
        if stored is None:
            password = Password.new()
            self._folder.write("password.json", password.to_json().encode())
            return password
        return rights.Password.from_json(stored.decode())

    def _enter(self, register: Register) -> None:
        self.register = register
        self._folder.write("register.json", register.to_json().encode())
