"""Small versions of images, made once and cached on disk."""

import hashlib
import io
import os
import threading
import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path

from PIL import Image, ImageOps

from common.runtime.files import atomic_write
from storage.reader import ObjectReader

SIDE = 320  # pixels, of the longer side
MAX_PIXELS = 50_000_000
QUALITY = 80
MAX_DECODING = 4  # images decoded at once: each may take 200 MB
EVICT_EVERY = 200  # new thumbnails
EVICT_SECONDS = 600.0


class NoImageError(Exception):
    """What is stored there is not an image that can be shown."""


class CacheFolderError(Exception):
    """Why thumbnails cannot be cached, in one sentence."""


class Thumbnails:
    """Makes and caches them. Safe to use from several threads."""

    def __init__(self, reader: ObjectReader, folder: Path, max_bytes: int, max_age: timedelta) -> None:
        """`folder` is created if it does not exist; what is too old is evicted, then the least recently used."""
        self._reader, self._folder, self._max_bytes = reader, folder, max_bytes
        self._max_age_seconds = max_age.total_seconds()
        self._stop = threading.Event()
        self._decoding = threading.Semaphore(MAX_DECODING)
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
                thumbnail = shrink(self._reader.read(key).body)
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
        self._evict()
        while not self._stop.wait(EVICT_SECONDS):
            self._evict()

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


def shrink(image: bytes) -> bytes:
    """A small JPEG of a PNG or JPEG; raises NoImageError."""
    try:
        with Image.open(io.BytesIO(image), formats=("PNG", "JPEG")) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise NoImageError("too many pixels")
            opened.draft("RGB", (SIDE, SIDE))
            small = ImageOps.exif_transpose(opened).convert("RGB")
            small.thumbnail((SIDE, SIDE))
            out = io.BytesIO()
            small.save(out, "JPEG", quality=QUALITY)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise NoImageError(str(error)) from error
    return out.getvalue()
