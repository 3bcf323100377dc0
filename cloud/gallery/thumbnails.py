"""Small pictures, made once and kept on disk."""

import hashlib
import io
import os
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path

from PIL import Image, ImageOps

from storage.reader import Bucket

SIDE = 320  # pixels, of the longer side
MOST_PIXELS = 50_000_000
QUALITY = 80
TOGETHER = 4  # pictures decoded at once: each may take 200 MB
SWEEP_EVERY = 200  # new thumbnails
SWEEP_SECONDS = 600.0


class NoPictureError(Exception):
    """What is stored there cannot be shown."""


class Thumbnails:
    """Makes and keeps them. Safe to use from several threads."""

    def __init__(self, bucket: Bucket, folder: Path, max_bytes: int, max_age: timedelta) -> None:
        """`folder` is made if it is not there; what it holds is dropped with age, and the least recently used first."""
        self._bucket, self._folder, self._max_bytes = bucket, folder, max_bytes
        self._max_age_seconds = max_age.total_seconds()
        self._stop = threading.Event()
        self._places = threading.Semaphore(TOGETHER)
        self._guard = threading.Lock()
        self._new = 0
        folder.mkdir(parents=True, exist_ok=True)

    def start(self) -> None:
        """Drop what is old now and then, whether or not somebody looks."""
        threading.Thread(target=self._tidy, name="thumbnails", daemon=True).start()

    def stop(self) -> None:
        self._stop.set()

    def get(self, key: str) -> bytes:
        """A JPEG; raises NoPictureError."""
        file = self._file(key)
        kept = self._kept(file)
        if kept is None:
            with self._places:
                kept = shrink(self._bucket.read(key).body)
            self._keep(file, kept)
        return kept

    def drop(self, keys: Iterable[str]) -> None:
        """Their pictures are gone."""
        for key in keys:
            self._file(key).unlink(missing_ok=True)

    def _file(self, key: str) -> Path:
        return self._folder / f"{hashlib.sha256(key.encode()).hexdigest()}.jpg"

    def _kept(self, file: Path) -> bytes | None:
        """What was made before, unless too long ago: a file's mtime is when it was made, its atime when it was used."""
        try:
            made = file.stat().st_mtime
            if made < time.time() - self._max_age_seconds:
                return None
            kept = file.read_bytes()
            os.utime(file, (time.time(), made))
        except OSError:
            return None
        return kept

    def _keep(self, file: Path, content: bytes) -> None:
        try:
            with tempfile.NamedTemporaryFile(dir=self._folder, suffix=".new", delete=False) as fresh:
                fresh.write(content)
            Path(fresh.name).replace(file)
        except OSError:
            return  # a full disk costs time, not pictures
        with self._guard:
            self._new += 1
            sweep = self._new % SWEEP_EVERY == 1
        if sweep:
            self._sweep()

    def _tidy(self) -> None:
        self._sweep()
        while not self._stop.wait(SWEEP_SECONDS):
            self._sweep()

    def _sweep(self) -> None:
        """Drop what is old, and then make room."""
        oldest = time.time() - self._max_age_seconds
        found = sorted((made >= oldest, used, size, path) for made, used, size, path in _files(self._folder))
        total = sum(size for _, _, size, _ in found)
        for fresh, _, size, path in found:
            if fresh and total <= self._max_bytes:
                return
            Path(path).unlink(missing_ok=True)
            total -= size


def _files(folder: Path) -> Iterator[tuple[float, float, int, str]]:
    """When each was made and used, its size and its path."""
    for entry in os.scandir(folder):
        try:
            known = entry.stat()
        except FileNotFoundError:
            continue  # another thread was quicker
        yield known.st_mtime, known.st_atime, known.st_size, entry.path


def shrink(image: bytes) -> bytes:
    """A small JPEG of a PNG or JPEG; raises NoPictureError."""
    try:
        with Image.open(io.BytesIO(image), formats=("PNG", "JPEG")) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise NoPictureError("too many pixels")
            opened.draft("RGB", (SIDE, SIDE))
            small = ImageOps.exif_transpose(opened).convert("RGB")
            small.thumbnail((SIDE, SIDE))
            out = io.BytesIO()
            small.save(out, "JPEG", quality=QUALITY)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise NoPictureError(str(error)) from error
    return out.getvalue()
