"""Images as the world's cameras, editors and broken cables make them; each is small and made here."""

import io
import re
import struct
from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image

from camera.sources.synthetic.scene import Scene
from tests.support.images.pictures import chunk

RESTART = re.compile(rb"\xff[\xd0-\xd7]")
PNG_HEADER_END = 33


def _scene() -> Image.Image:
    return Image.fromarray(cv2.cvtColor(Scene(640, 480, seed=1, visits=1).draw(3.0), cv2.COLOR_BGR2RGB))


SCENE = _scene()


def saved(kind: str, mode: str = "RGB", **options: object) -> bytes:
    file = io.BytesIO()
    SCENE.convert(mode).save(file, kind, **options)
    return file.getvalue()


PLAIN, PNG = saved("JPEG"), saved("PNG")
FRAME = PLAIN.index(b"\xff\xc0")
NO_JFIF = PLAIN[:2] + PLAIN[4 + struct.unpack_from(">H", PLAIN, 4)[0] :]
RESTARTS = cv2.imencode(".jpg", np.asarray(SCENE), [cv2.IMWRITE_JPEG_RST_INTERVAL, 40])[1].tobytes()
MARKS = [found.start() for found in RESTART.finditer(RESTARTS)]


def flipped(image: bytes, seed: int) -> bytes:
    chance, damaged = np.random.default_rng(seed), bytearray(image)
    for at in chance.integers(700, len(image) - 8, 3):
        damaged[at] ^= 0x55
    return bytes(damaged)


def sixteen_bits() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.asarray(SCENE.convert("L")).astype(np.uint16) << 8).save(file, "PNG")
    return file.getvalue()


def with_thumbnail() -> bytes:
    """An EXIF thumbnail, which has an end marker of its own before the image's."""
    file = io.BytesIO()
    SCENE.resize((64, 48)).save(file, "JPEG")
    small = file.getvalue()
    entries = struct.pack(">HHIIHHII", 0x201, 4, 1, 38, 0x202, 4, 1, len(small))
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\x0e\0\x02" + entries + bytes(4) + small
    return PLAIN[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + PLAIN[2:]


def several_pictures() -> bytes:
    file = io.BytesIO()
    SCENE.save(file, "MPO", save_all=True, append_images=[SCENE.resize((64, 48))])
    return file.getvalue()


# Whole: everybody shows them.
WHOLE: dict[str, Callable[[], bytes]] = {
    "plain.jpg": lambda: PLAIN,
    "grey.jpg": lambda: saved("JPEG", "L"),
    "cmyk.jpg": lambda: saved("JPEG", "CMYK"),
    "progressive.jpg": lambda: saved("JPEG", progressive=True),
    "no-subsampling.jpg": lambda: saved("JPEG", subsampling=0),
    "no-jfif.jpg": lambda: NO_JFIF,
    "adobe-rgb-marker.jpg": lambda: NO_JFIF[:2] + b"\xff\xee\x00\x0eAdobe\x00\x64\0\0\0\0\1" + NO_JFIF[2:],
    "restarts.jpg": lambda: RESTARTS,
    "padded-markers.jpg": lambda: PLAIN[:2] + b"\xff\xff" + PLAIN[2:],
    "zeros-behind.jpg": lambda: PLAIN + bytes(100),
    "web-page-behind.jpg": lambda: PLAIN + b"<html></html>",
    "twice.jpg": lambda: PLAIN + PLAIN,
    "another-behind.jpg": lambda: PLAIN + saved("JPEG", "L"),
    "several-pictures.jpg": several_pictures,
    "thumbnail.jpg": with_thumbnail,
    **{f"{mode}.png": lambda mode=mode: saved("PNG", mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA")},  # type: ignore[misc]
    "sixteen-bits.png": sixteen_bits,
    "text-behind.png": lambda: PNG + b"text",
}
# A part is missing: whoever looks for faces must not take them for pictures.
DAMAGED: dict[str, Callable[[], bytes]] = {
    "half.jpg": lambda: PLAIN[: len(PLAIN) // 2],
    "half-with-an-end.jpg": lambda: PLAIN[: len(PLAIN) // 2] + b"\xff\xd9",
    "flipped-bits.jpg": lambda: flipped(PLAIN, 3),
    "zeros-inside.jpg": lambda: PLAIN[: len(PLAIN) // 2] + bytes(400) + PLAIN[len(PLAIN) // 2 + 400 :],
    "restart-lost.jpg": lambda: RESTARTS[: MARKS[2]] + RESTARTS[MARKS[2] + 2 :],
    "restarts-lost.jpg": lambda: RESTART.sub(b"", RESTARTS),
    "gap-between-restarts.jpg": lambda: RESTARTS[: MARKS[2]] + RESTARTS[MARKS[10] :],
    "claims-more-rows.jpg": lambda: PLAIN[: FRAME + 5] + b"\x03\xc0" + PLAIN[FRAME + 7 :],
    "no-rows.jpg": lambda: PLAIN[: FRAME + 5] + b"\0\0" + PLAIN[FRAME + 7 :],
    "half.png": lambda: PNG[: len(PNG) // 2],
    "flipped-bit.png": lambda: flipped(PNG, 4),
    "empty.jpg": lambda: b"",
    "web-page.jpg": lambda: b"<html><body>401</body></html>" * 20,
    "begins-late.jpg": lambda: b"\r\n" + PLAIN[:200],
}
# Some read these, others do not.
RARE: dict[str, Callable[[], bytes]] = {
    "no-end.jpg": lambda: PLAIN[:-2],
    "begins-with-a-line.jpg": lambda: b"\r\n" + PLAIN,
    "twelve-bits.jpg": lambda: (
        PLAIN[:FRAME] + b"\xff\xc1" + PLAIN[FRAME + 2 : FRAME + 4] + b"\x0c" + PLAIN[FRAME + 5 :]
    ),
    "broken-animation.png": lambda: PNG[:PNG_HEADER_END] + chunk(b"acTL", bytes(8)) + PNG[PNG_HEADER_END:],
    "picture.webp": lambda: saved("WEBP"),
    "picture.tiff": lambda: saved("TIFF"),
    "picture.bmp": lambda: saved("BMP"),
    "picture.gif": lambda: saved("GIF"),
}
