"""Files are replaced as a whole."""

import os
from pathlib import Path
from unittest import mock

import pytest

from common.runtime.files import SecretDir, SecretDirError, atomic_write


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    file = tmp_path / "a.json"

    atomic_write(file, b"old")
    atomic_write(file, b"new")

    assert file.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(("durable", "calls"), [(True, 2), (False, 0)])
def test_a_durable_write_syncs_the_file_and_its_folder(tmp_path: Path, calls: int, *, durable: bool) -> None:
    with mock.patch.object(os, "fsync", wraps=os.fsync) as fsync:
        atomic_write(tmp_path / "a", b"content", durable=durable)

    assert fsync.call_count == calls


def test_a_write_that_fails_leaves_the_old_content_and_no_other_file(tmp_path: Path) -> None:
    file = tmp_path / "a"
    atomic_write(file, b"old")

    with mock.patch.object(os, "fsync", side_effect=OSError(28, "No space left on device")), pytest.raises(OSError):  # noqa: PT011
        atomic_write(file, b"new")

    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("umask", "mode", "expected"), [(0o077, None, 0o600), (0o022, None, 0o644), (0o077, 0o644, 0o644)]
)
def test_the_umask_decides_unless_a_mode_is_given(tmp_path: Path, umask: int, mode: int | None, expected: int) -> None:
    before = os.umask(umask)
    try:
        atomic_write(tmp_path / "a", b"content", mode=mode)
    finally:
        os.umask(before)

    assert (tmp_path / "a").stat().st_mode & 0o777 == expected


def test_secrets_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    folder = SecretDir(tmp_path)

    folder.write("key.pem", b"secret")

    assert folder.read("key.pem") == b"secret"
    assert folder.read("other.pem") is None
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600


def test_a_folder_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SecretDirError, match=r"^cannot use .*/none: No such file or directory; it must belong to uid "):
        SecretDir(tmp_path / "none").write("key.pem", b"secret")
