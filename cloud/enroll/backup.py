"""A backup of the authority: what a new cloud host needs so that every enrolled edge connects to it."""

import io
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from common.runtime.deployment import authority_removal
from common.runtime.files import SecretDir
from enroll.authority import CertificateAuthority
from enroll.registry import EnrollmentError

AUTHORITY, IDENTITY = "authority", "identity"
KEY = "ca.pem"
END = "end"  # the last entry: without it an archive was cut off between two files
LEFT_OUT = {"lock"}
FILE_NAME = re.compile(r"[A-Za-z0-9_][\w.-]{0,100}")
DAMAGED = "the backup is damaged or cut off; take another copy of it"
MAX_FILES, MAX_FILE_BYTES = 100, 50_000_000


def write_backup(target: BinaryIO, authority: Path, identity: Path) -> None:
    """Write both folders as a tar archive; the caller holds the authority's lock."""
    with tarfile.open(fileobj=target, mode="w|") as archive:
        for folder, path in ((AUTHORITY, authority), (IDENTITY, identity)):
            for file in sorted(path.iterdir()) if path.is_dir() else ():
                if file.is_file() and file.name not in LEFT_OUT:
                    _add(archive, f"{folder}/{file.name}", file.read_bytes())
        _add(archive, END, b"")


def restore_backup(source: BinaryIO, authority: SecretDir, identity: SecretDir) -> int:
    """Put back what a backup holds, and return how many edges are enrolled in it; raises EnrollmentError.

    The archive may come from anywhere, so only plain files of the two folders are taken from it.
    """
    files = dict(_read(source))
    key = files.get((AUTHORITY, KEY))
    if key is None:
        raise EnrollmentError("this is no backup of a cloud host; it has no authority in it")
    present = authority.read(KEY)
    if present is not None and present != key:
        raise EnrollmentError(
            "this host has an authority of its own, whose edges could no longer connect after a restore. "
            f"Restore on a new host, or remove this one's authority first: {authority_removal('AUTHORITY_DIR')}"
        )
    for (folder, name), content in sorted(files.items(), key=lambda item: item[0] == (AUTHORITY, KEY)):
        (authority if folder == AUTHORITY else identity).write(name, content)  # the key last: without it all is new
    return len(CertificateAuthority(authority).registry.edges)


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o600
    archive.addfile(entry, io.BytesIO(content))


def _read(source: BinaryIO) -> Iterator[tuple[tuple[str, str], bytes]]:
    ended = False
    try:
        with tarfile.open(fileobj=source, mode="r|") as archive:
            for number, entry in enumerate(archive):
                ended = entry.name == END
                if ended:
                    break
                yield _place(entry, number), _content(archive, entry)
    except (tarfile.TarError, EOFError) as error:
        raise EnrollmentError(DAMAGED) from error
    if not ended:
        raise EnrollmentError(DAMAGED)


def _place(entry: tarfile.TarInfo, number: int) -> tuple[str, str]:
    """Folder and name of a file that may be taken; raises EnrollmentError."""
    folder, _, name = entry.name.partition("/")
    is_ours = entry.isfile() and folder in {AUTHORITY, IDENTITY} and FILE_NAME.fullmatch(name) is not None
    if not is_ours or number >= MAX_FILES or entry.size > MAX_FILE_BYTES:
        raise EnrollmentError(f"this is no backup of a cloud host; {entry.name[:60]!r} does not belong there")
    return folder, name


def _content(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    opened = archive.extractfile(entry)
    return opened.read() if opened else b""
