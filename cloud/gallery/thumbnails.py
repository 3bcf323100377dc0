"""Small pictures, made once and kept on disk."""

import hashlib
import io
import os
import tempfile
import threading
from pathlib import Path

from PIL import Image, ImageOps

from gallery.bucket import Bucket

SIDE = 320  # pixels, of the longer side
MOST_PIXELS = 50_000_000
QUALITY = 80
TOGETHER = 4  # pictures decoded at once: each may take 200 MB
SWEEP_EVERY = 200  # new thumbnails


class NoPictureError(Exception):
    """What is stored there cannot be shown."""


class Thumbnails:
    """Makes and keeps them. Safe to use from several threads."""

    def __init__(self, bucket: Bucket, folder: Path, max_bytes: int) -> None:
        """`folder` is made if it is not there; what it holds is dropped, the least recently used first."""
        self._bucket, self._folder, self._max_bytes = bucket, folder, max_bytes
        self._places = threading.Semaphore(TOGETHER)
        self._guard = threading.Lock()
        self._new = 0
        folder.mkdir(parents=True, exist_ok=True)

    def get(self, key: str) -> bytes:
        """A JPEG; raises NoPictureError."""
        file = self._folder / f"{hashlib.sha256(key.encode()).hexdigest()}.jpg"
        try:
            kept = file.read_bytes()
            os.utime(file)
        except OSError:
            with self._places:
                kept = shrink(self._bucket.read(key).body)
            self._keep(file, kept)
        return kept

    def drop(self, key: str) -> None:
        """Its picture was deleted."""
        (self._folder / f"{hashlib.sha256(key.encode()).hexdigest()}.jpg").unlink(missing_ok=True)

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

    def _sweep(self) -> None:
        """Make room."""
        found = sorted((entry.stat().st_mtime, entry.stat().st_size, entry.path) for entry in os.scandir(self._folder))
        total = sum(size for _, size, _ in found)
        for _, size, path in found:
            if total <= self._max_bytes:
                return
            Path(path).unlink(missing_ok=True)
            total -= size


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
