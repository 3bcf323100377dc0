"""The enrolment command as people run it, on folders of the test's own."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509

from tests.support.programs import launcher

FOLDERS = {"AUTHORITY_DIR": "authority", "IDENTITY_DIR": "identity", "BROKER_DATA_DIR": "broker-data"}
DATES = "certificates/dates.json"
UPLOADER_PASSWORD, GALLERY_PASSWORD = "uploader-login/password", "gallery-login/password"


@dataclass(frozen=True, slots=True)
class Said:
    """What a command answered."""

    status: int
    out: str
    error: str


@dataclass(slots=True)
class Enroll:
    """`python -m enroll` with these settings; no broker runs."""

    folder: Path
    settings: dict[str, str] = field(default_factory=lambda: {"CLOUD_HOST": "cloud.example"})

    def __call__(self, *arguments: str) -> Said:
        places = {name: str(self.folder / place) for name, place in FOLDERS.items()}
        places["CERTIFICATES_FILE"] = str(self.file(DATES))
        places["UPLOADER_PASSWORD_FILE"] = str(self.file(UPLOADER_PASSWORD))
        places["GALLERY_BROKER_PASSWORD_FILE"] = str(self.file(GALLERY_PASSWORD))
        environment = {"PATH": os.defpath, **places, **self.settings}
        done = launcher.run("enroll", *arguments, folder=self.folder, environment=environment)
        return Said(done.returncode, done.stdout, done.stderr)

    def file(self, name: str) -> Path:
        return self.folder / name

    def server(self) -> x509.Certificate:
        """Return the broker's certificate."""
        return x509.load_pem_x509_certificate(self.file("identity/server.pem").read_bytes())

    def revoked(self) -> set[int]:
        """Return the serial numbers that the broker refuses."""
        return {entry.serial_number for entry in x509.load_pem_x509_crl(self.file("identity/ca.crl").read_bytes())}


@pytest.fixture
def enroll(tmp_path: Path) -> Enroll:
    for place in (*FOLDERS.values(), "certificates", "uploader-login", "gallery-login"):
        (tmp_path / place).mkdir()
    return Enroll(tmp_path)
