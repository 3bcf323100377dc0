"""Several captures as one ZIP file, made while it is sent: memory holds a few pictures, however many there are."""

import io
import zipfile
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime

from botocore.exceptions import ClientError

from gallery.catalog.entry import CatalogEntry
from gallery.web.errors import is_gone
from storage.reader import Content, ObjectReader

READ_AHEAD = 4  # pictures
OLDEST = datetime(1980, 1, 1, tzinfo=UTC)  # that a ZIP file can tell
MISSING = "missing.txt"


class _Outlet(io.RawIOBase):
    """Takes what a ZIP file writes, until it is sent."""

    def __init__(self) -> None:
        super().__init__()
        self._written: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, content: "bytes | memoryview", /) -> int:  # type: ignore[override]
        self._written.append(bytes(content))
        return len(content)

    def take(self) -> bytes:
        content = b"".join(self._written)
        self._written.clear()
        return content


def zip_stream(reader: ObjectReader, entries: Sequence[CatalogEntry]) -> Iterator[bytes]:
    """The file, part by part; what is gone is named in a text file. Raises what boto3 raises."""
    outlet, missing = _Outlet(), []
    with zipfile.ZipFile(outlet, "w", zipfile.ZIP_STORED) as archive:  # pictures are compressed already
        for entry, content in _read_in_order(reader, entries):
            if content is None or not content.is_capture:
                missing.append(entry.key)
                continue
            archive.writestr(_member(entry.key, entry.at), content.body)
            yield outlet.take()
        if missing:
            archive.writestr(_member(MISSING, datetime.now(UTC)), "\n".join([*missing, ""]))
    yield outlet.take()


def _read_in_order(
    reader: ObjectReader, entries: Sequence[CatalogEntry]
) -> Iterator[tuple[CatalogEntry, Content | None]]:
    """Each with what is stored, None for one that is gone; some are read ahead."""
    with ThreadPoolExecutor(READ_AHEAD, thread_name_prefix="archive") as pool:
        running: deque[tuple[CatalogEntry, Future[Content | None]]] = deque()
        for entry in entries:
            running.append((entry, pool.submit(_read, reader, entry.key)))
            if len(running) == READ_AHEAD:
                first, content = running.popleft()
                yield first, content.result()
        for entry, content in running:
            yield entry, content.result()


def _read(reader: ObjectReader, key: str) -> Content | None:
    try:
        return reader.read(key)
    except ClientError as error:
        if is_gone(error):
            return None
        raise


def _member(key: str, at: datetime) -> zipfile.ZipInfo:
    """A name that stays below the folder into which somebody unpacks, on any system."""
    parts = [part for part in key.replace("\\", "/").split("/") if part.strip(". ")]
    name = "/".join(
        "".join(char if char.isprintable() and char not in ':*?"<>|' else "_" for char in part) for part in parts
    )
    return zipfile.ZipInfo(name or "picture", max(at.astimezone(UTC), OLDEST).timetuple()[:6])
