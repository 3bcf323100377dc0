"""The cache of thumbnails on disk: each is made once, and evicted when it is old or there is no room."""

import hashlib
import logging
import os
import threading
import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path

from common.runtime.files import atomic_write
from gallery.pictures.face import face_of
from gallery.pictures.pixel_budget import PixelBudget
from gallery.pictures.shrinking import NoImageError, shrink
from storage.reader import Content, ObjectReader
from storage.settings import MAX_IMAGE_PIXELS

log = logging.getLogger(__name__)
MAX_DECODING = 4  # images read and decoded at once, and no more pixels than one image may have: they take 400 MB
EVICT_EVERY = 200  # new thumbnails
EVICT_SECONDS = 600.0


class CacheFolderError(Exception):
    """Why thumbnails cannot be cached, in one sentence."""


class Thumbnails:
    """Makes and caches them. Safe to use from several threads."""

    def __init__(
        self, reader: ObjectReader, folder: Path, max_bytes: int, max_age: timedelta, max_pixels: int = MAX_IMAGE_PIXELS
    ) -> None:
        """`folder` is created if it does not exist; what is too old is evicted, then the least recently used."""
        self._reader, self._folder, self._max_bytes = reader, folder, max_bytes
        self._max_age_seconds = max_age.total_seconds()
        self._stop = threading.Event()
        self._decoding = threading.Semaphore(MAX_DECODING)
        self._pixels = PixelBudget(max_pixels)
        self._lock = threading.Lock()
        self._new = 0
        _create(folder)

    def start(self) -> None:
        """Evict what is too old now and then, whether or not anybody visits."""
        threading.Thread(target=self._cleanup_loop, name="thumbnails", daemon=True).start()

    def stop(self) -> None:
        self._stop.set()

    def get(self, key: str) -> bytes:
        """A JPEG; raises NoImageError."""
        file = self._file(key)
        thumbnail = self._cached(file)
        if thumbnail is None:
            with self._decoding:
                content = self._reader.read(key)
                thumbnail = shrink(_image_of(content), self._pixels, face_of(content.metadata))
            self._store(file, thumbnail)
        return thumbnail

    def discard(self, keys: Iterable[str]) -> None:
        """Forget objects that were removed."""
        for key in keys:
            self._file(key).unlink(missing_ok=True)

    def _file(self, key: str) -> Path:
        return self._folder / f"{hashlib.sha256(key.encode()).hexdigest()}.jpg"

    def _cached(self, file: Path) -> bytes | None:
        """What was made before, unless too long ago: a file's mtime is when it was made, its atime when it was used."""
        try:
            made = file.stat().st_mtime
            if made < time.time() - self._max_age_seconds:
                return None
            content = file.read_bytes()
            os.utime(file, (time.time(), made))
        except OSError:
            return None
        return content

    def _store(self, file: Path, content: bytes) -> None:
        try:
            atomic_write(file, content, mode=0o600, durable=False)
        except OSError:
            return  # a full disk costs time, not images
        with self._lock:
            self._new += 1
            evict = self._new % EVICT_EVERY == 1
        if evict:
            self._evict()

    def _cleanup_loop(self) -> None:
        while True:
            try:
                self._evict()
            except OSError as error:
                log.warning("Old thumbnails could not be deleted: %s", error.strerror)
            if self._stop.wait(EVICT_SECONDS):
                return

    def _evict(self) -> None:
        """Delete what is too old, and then make room."""
        oldest = time.time() - self._max_age_seconds
        found = sorted((made >= oldest, used, size, path) for made, used, size, path in _files(self._folder))
        total = sum(size for _, _, size, _ in found)
        for fresh, _, size, path in found:
            if fresh and total <= self._max_bytes:
                return
            Path(path).unlink(missing_ok=True)
            total -= size


def _create(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        remedy = "name a folder that can be written"
        raise CacheFolderError(f"GALLERY_CACHE={folder} cannot be created ({error.strerror}); {remedy}.") from error


def _files(folder: Path) -> Iterator[tuple[float, float, int, str]]:
    """When each was made and used, its size and its path."""
    for entry in os.scandir(folder):
        try:
            stat = entry.stat()
        except FileNotFoundError:
            continue  # another thread was quicker
        yield stat.st_mtime, stat.st_atime, stat.st_size, entry.path


def _image_of(content: Content) -> bytes:
    if not content.is_capture:
        raise NoImageError(content.content_type)
    return content.body
