"""How a camera was held, as its picture says: the one thing that is read of an Exif description."""

from struct import error, unpack_from

from common.contract.embedded import PNG_SIGNATURE
from storage.structure.jpeg import jpeg_segments
from storage.structure.png import png_chunks

UPRIGHT = 1
APP1, EXIF = 0xE1, b"Exif\0\0"
ORIENTATION = 0x0112
BYTE_ORDERS = {b"II": "<", b"MM": ">"}
VALUES = {3: "H", 4: "I"}  # by type: a short or a long number
MAX_ENTRIES = 1000  # cameras write some dozens


def read_orientation(image: bytes) -> int:
    """1 to 8, as Exif counts them; upright for whatever is damaged or missing. `image` is sound by structure."""
    try:
        return _orientation(_exif(image))
    except error:
        return UPRIGHT


def _exif(image: bytes) -> bytes:
    if image.startswith(PNG_SIGNATURE):
        return next((image[start:end] for name, start, end in png_chunks(image) if name == b"eXIf"), b"")
    segments = ((start, end) for marker, start, end in jpeg_segments(image) if marker == APP1)
    return next((image[start + len(EXIF) : end] for start, end in segments if image.startswith(EXIF, start, end)), b"")


def _orientation(exif: bytes) -> int:
    order = BYTE_ORDERS.get(exif[:2])
    if order is None:
        return UPRIGHT
    (at,) = unpack_from(f"{order}I", exif, 4)
    (count,) = unpack_from(f"{order}H", exif, at)
    for entry in range(at + 2, at + 2 + 12 * min(count, MAX_ENTRIES), 12):
        tag, kind = unpack_from(f"{order}HH", exif, entry)
        if tag == ORIENTATION:
            return int(unpack_from(f"{order}{VALUES[kind]}", exif, entry + 8)[0]) if kind in VALUES else UPRIGHT
    return UPRIGHT
