"""A small JPEG of an image that may be hostile."""

import io

from PIL import Image, JpegImagePlugin, PngImagePlugin

from common.contract.capture import Box
from common.contract.embedded import PNG_SIGNATURE
from gallery.pictures.face import around
from gallery.pictures.orientation import read_orientation
from gallery.pictures.pixel_budget import PixelBudget
from storage.structure.jpeg import JPEG_SIGNATURE, check_jpeg, pixels_of_jpeg
from storage.structure.metered import MeteredFile
from storage.structure.png import check_png

SIDE = 320  # pixels, of the longer side
QUALITY = 80
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


class NoImageError(Exception):
    """What is stored there is not an image that can be shown."""


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
