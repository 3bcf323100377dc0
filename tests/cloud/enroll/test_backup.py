"""A backup of the authority: what it brings to a new host, and what is not taken from a strange one."""

import io
import tarfile
from pathlib import Path

import pytest

from common.runtime.files import SecretDir
from enroll.authority import CertificateAuthority
from enroll.backup import restore_backup, write_backup
from enroll.registry import EnrollmentError


def host(folder: Path) -> tuple[SecretDir, SecretDir]:
    for name in ("authority", "identity"):
        (folder / name).mkdir(parents=True)
    return SecretDir(folder / "authority"), SecretDir(folder / "identity")


def backup_of(folder: Path) -> bytes:
    target = io.BytesIO()
    write_backup(target, folder / "authority", folder / "identity")
    return target.getvalue()


@pytest.fixture
def backup(tmp_path: Path) -> bytes:
    authority, identity = host(tmp_path / "old")
    CertificateAuthority(authority).enroll("porch", "cloud.example", 8883, renew=False)
    identity.write("server.pem", b"the broker's own")
    (tmp_path / "old/authority/lock").touch()
    return backup_of(tmp_path / "old")


def test_a_new_host_has_the_same_authority_and_the_same_edges(backup: bytes, tmp_path: Path) -> None:
    authority, identity = host(tmp_path / "new")

    edges = restore_backup(io.BytesIO(backup), authority, identity)

    assert edges == 1
    assert authority.read("ca.pem") == (tmp_path / "old/authority/ca.pem").read_bytes()
    assert [edge.name for edge in CertificateAuthority(authority).registry.edges] == ["porch"]
    assert identity.read("server.pem") == b"the broker's own"
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "new").rglob("*") if file.is_file()} == {0o600}
    assert restore_backup(io.BytesIO(backup), authority, identity) == 1  # once more, as after a stop


def test_a_host_with_an_authority_of_its_own_keeps_it(backup: bytes, tmp_path: Path) -> None:
    authority, identity = host(tmp_path / "new")
    CertificateAuthority(authority).enroll("attic", "cloud.example", 8883, renew=False)
    before = authority.read("ca.pem")

    with pytest.raises(EnrollmentError, match="this host has an authority of its own"):
        restore_backup(io.BytesIO(backup), authority, identity)

    assert authority.read("ca.pem") == before


@pytest.mark.parametrize(
    "name", ["../ca.pem", "authority/../../x", "/etc/x", "authority/a/b", "other/ca.pem", "authority", "authority/.."]
)
def test_a_strange_archive_writes_nothing(name: str, tmp_path: Path) -> None:
    authority, identity = host(tmp_path / "new")
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name))

    with pytest.raises(EnrollmentError, match="this is no backup of a cloud host"):
        restore_backup(io.BytesIO(target.getvalue()), authority, identity)

    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


@pytest.mark.parametrize("cut", [0, 100, 700, 1536, 2048, 4096])
def test_a_damaged_backup_is_a_sentence(backup: bytes, cut: int, tmp_path: Path) -> None:
    authority, identity = host(tmp_path / "new")

    with pytest.raises(EnrollmentError, match="damaged or cut off"):
        restore_backup(io.BytesIO(backup[:cut]), authority, identity)
