"""The certificate authority: its key, its registry, and the certificates it signs."""

from datetime import UTC, datetime, timedelta

from common.runtime.files import SecretDir, SecretDirError
from enroll import x509
from enroll.broker.rights import Password, Passwords
from enroll.edge_token import Token
from enroll.registry import EdgeRegistry, EnrollmentError, check_name
from enroll.x509 import Certificate, Key

RENEW_BEFORE = timedelta(days=365)  # its expiry
# Names by which edges on the same machine, or in the same Compose project, reach the broker; nobody else can own them.
LOCAL_NAMES = ("localhost", "127.0.0.1", "cloud-broker", "host.docker.internal")


class CertificateAuthority:
    """Works on one folder, which the caller must have locked."""

    def __init__(self, folder: SecretDir) -> None:
        self._folder = folder
        try:
            self.key, self.certificate = self._load_or_create()
            self.passwords = Passwords(
                admin=self._load_or_create_password("password.json"),
                uploader=self._load_or_create_password("uploader-password.json"),
                gallery=self._load_or_create_password("gallery-password.json"),
            )
            text = folder.read("registry.json")
            self.registry = EdgeRegistry.from_json(text.decode()) if text else EdgeRegistry()
        except (ValueError, TypeError, KeyError) as error:
            raise SecretDirError(
                f"a file in {folder.path} is damaged ({error}); restore the folder from a backup"
            ) from error

    def enroll(self, name: str, host: str, port: int, *, renew: bool) -> Token:
        """Sign a certificate for an edge and register it; raises EnrollmentError for a name that cannot be taken."""
        check_name(name)
        if self.registry.find(name) and not renew:
            raise EnrollmentError(
                f"{name} is already enrolled; ./usbcam renew {name} makes a new token and revokes the one it has"
            )
        key = x509.new_key()
        signed = x509.sign_edge(self.key, key.public_key(), name)
        self._save(self.registry.with_edge(name, signed))
        return Token(
            name=name,
            host=host,
            port=port,
            expires_at=signed.not_valid_after_utc,
            authority=x509.certificate_pem(self.certificate),
            certificate=x509.certificate_pem(signed),
            key=x509.key_pem(key),
        )

    def revoke(self, name: str) -> None:
        """Revoke the certificate of an edge; raises EnrollmentError if it is not enrolled."""
        if self.registry.find(name) is None:
            raise EnrollmentError(f"{name} is not enrolled; ./usbcam edges shows who is")
        self._save(self.registry.without_edge(name))

    def server_certificate(self, current: bytes | None, hosts: list[str]) -> bytes:
        """Return the broker's certificate and key: the current ones while they are valid, else new ones."""
        names = list(dict.fromkeys((*hosts, *LOCAL_NAMES)))
        if current and self._is_valid(current, set(names)):
            return current
        key = x509.new_key()
        signed = x509.sign_server(self.key, key.public_key(), names)
        return x509.certificate_pem(signed) + x509.key_pem(key)

    def revocation_list(self, current: bytes | None) -> bytes:
        """Return the list of revoked certificates: the current one while nothing has changed."""
        if current and x509.revoked_serials(current) == set(self.registry.revoked):
            return current
        return x509.sign_crl(self.key, self.registry.revoked)

    def _is_valid(self, pem: bytes, hosts: set[str]) -> bool:
        try:
            signed = x509.read_certificate(pem)
            signed.verify_directly_issued_by(self.certificate)
        except Exception:  # noqa: BLE001 -- whatever is wrong with it, a new one is made
            return False
        return x509.hosts_of(signed) == hosts and signed.not_valid_after_utc - datetime.now(UTC) > RENEW_BEFORE

    def _load_or_create(self) -> tuple[Key, Certificate]:
        stored = self._folder.read("ca.pem")
        if stored is not None:
            return x509.read_key(stored), x509.read_certificate(stored)
        key = x509.new_key()
        certificate = x509.self_sign_ca(key)
        self._folder.write("ca.pem", x509.certificate_pem(certificate) + x509.key_pem(key))
        return key, certificate

    def _load_or_create_password(self, file: str) -> Password:
        stored = self._folder.read(file)
        if stored is not None:
            return Password.from_json(stored.decode())
        password = Password.new()
        self._folder.write(file, password.to_json().encode())
        return password

    def _save(self, registry: EdgeRegistry) -> None:
        self.registry = registry
        self._folder.write("registry.json", registry.to_json().encode())
