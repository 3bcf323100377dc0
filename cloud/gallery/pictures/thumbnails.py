"""Small versions of images, made once and cached on disk."""

import hashlib
import io
import logging
import os
import threading
import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path

from PIL import Image, JpegImagePlugin, PngImagePlugin

from common.contract.capture import Box
from common.contract.embedded import PNG_SIGNATURE
from common.runtime.files import atomic_write
from gallery.pictures.face import around, face_of
from gallery.pictures.orientation import read_orientation
from gallery.pictures.pixel_budget import PixelBudget
from storage.reader import Content, ObjectReader
from storage.settings import MAX_IMAGE_PIXELS
from storage.structure.jpeg import JPEG_SIGNATURE, check_jpeg, pixels_of_jpeg
from storage.structure.metered import MeteredFile
from storage.structure.png import check_png

LOG = logging.getLogger(__name__)
SIDE = 320  # pixels, of the longer side
QUALITY = 80
MAX_DECODING = 4  # images read and decoded at once, and no more pixels than one image may have: they take 400 MB
SHRUNK_AS_THEY_ARE = ("L", "RGB", "RGBA", "CMYK")  # modes; others are converted before
PIXEL_CHUNKS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
EVICT_EVERY = 200  # new thumbnails
EVICT_SECONDS = 600.0


class NoImageError(Exception):
    """What is stored there is not an image that can be shown."""


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
                LOG.warning("Old thumbnails could not be deleted: %s", error.strerror)
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


def shrink(image: bytes, budget: PixelBudget, face: Box | None = None) -> bytes:
    """A small JPEG of a PNG or JPEG, or of what is around the face; raises NoImageError.

    What the uploader takes as a picture is one here, too.
    """
    try:
        with budget.reserve(_count_pixels(image, budget.size)), _open(image) as opened:
            orientation = read_orientation(image)
            part = _part(opened, face if orientation == 1 else None)
            small = part if part.mode in SHRUNK_AS_THEY_ARE else _eight_bits(part).convert("RGB")
            small.thumbnail((SIDE, SIDE))  # before any other step: each would copy the large image
            small = small.convert("RGB")
            turn = TURNS.get(orientation)
            out = io.BytesIO()
            (small if turn is None else small.transpose(turn)).save(out, "JPEG", quality=QUALITY)
    except (NoImageError, MemoryError):
        raise
    except Exception as error:  # hostile bytes make decoders raise nearly anything
        raise NoImageError(str(error)) from error
    return out.getvalue()


def _part(opened: Image.Image, face: Box | None) -> Image.Image:
    """What the thumbnail shows: all of it, decoded as small as that may be, or what is around the face."""
    area = around(face, *opened.size) if face else None
    if area is not None:
        return opened.crop(area)
    opened.draft("RGB", (SIDE, SIDE))
    return opened


def _open(image: bytes) -> Image.Image:
    """Open it by the class that the uploader uses; Image.open would look for several pictures in one JPEG."""
    opened: PngImagePlugin.PngImageFile | JpegImagePlugin.JpegImageFile
    if image.startswith(PNG_SIGNATURE):
        opened = PngImagePlugin.PngImageFile(MeteredFile(_still(image)))
    else:
        opened = JpegImagePlugin.JpegImageFile(MeteredFile(pixels_of_jpeg(image)))
    return opened


def _count_pixels(image: bytes, most: int) -> int:
    """Check what an image is made of, as the uploader does; raises ImageStructureError."""
    if image.startswith(PNG_SIGNATURE):
        png = check_png(image, most)
        return png.width * png.height
    if not image.startswith(JPEG_SIGNATURE):
        raise NoImageError("neither a PNG nor a JPEG")
    jpeg = check_jpeg(image, most)
    return jpeg.width * jpeg.height


def _still(png: bytes) -> bytes:
    """Leave out what only describes the picture or animates it: damaged, it would keep Pillow from the pixels."""
    kept, at = [PNG_SIGNATURE], len(PNG_SIGNATURE)
    while at < len(png):
        end = at + int.from_bytes(png[at : at + 4]) + 12  # length, type and checksum are 4 bytes each
        if png[at + 4 : at + 8] in PIXEL_CHUNKS:
            kept.append(png[at:end])
        at = end
    return b"".join(kept)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Scale 16-bit grey, where Pillow's own conversion cuts off at 255 and all becomes white."""
    return image.convert("I").point(lambda value: value * (1 / 256)) if image.mode.startswith("I") else image
