"""Stores that are not AWS: played with oddities, and real ones."""

import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.stores.played_store import BUCKET, KEY, SECRET, Oddity, PlayedStore
from uploader.settings import Settings

MakeSettings = Callable[..., Settings]


@pytest.fixture
def tls(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's certificate for this machine, and the file that makes clients trust it."""
    certificate, key = tmp_path / "store.crt", tmp_path / "store.key"
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
            ),
            *("-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate


@pytest.fixture
def play() -> Iterator[Callable[..., PlayedStore]]:
    """Start a store with these oddities."""
    stores: list[PlayedStore] = []

    def start(*oddities: Oddity, tls: ssl.SSLContext | None = None) -> PlayedStore:
        stores.append(PlayedStore(set(oddities), tls=tls))
        stores[-1].start()
        return stores[-1]

    yield start
    for store in stores:
        store.stop()


@pytest.fixture
def make_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> MakeSettings:
    """Make the settings for a store."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    def make(endpoint: str, **more: Any) -> Settings:
        given = {"s3_bucket": BUCKET, "aws_access_key_id": KEY, "aws_secret_access_key": SECRET}
        return Settings(**(given | {"s3_endpoint_url": endpoint} | more))

    return make
