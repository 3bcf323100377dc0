"""Images and messages for the uploader's tests, valid and invalid."""

import hashlib
import io
import json
import random
import struct
import zlib
from datetime import UTC, datetime

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from uploader.ingest.parser import IncomingMessage

PNG_START = b"\x89PNG\r\n\x1a\n"
CAPTURED_AT = datetime(2026, 11, 22, 6, 33, 25, 123_000, tzinfo=UTC)
ARRIVED_AT = datetime(2026, 11, 22, 7, 0, 0, 456_789, tzinfo=UTC)


def noise(seed: int, side: int = 24) -> Image.Image:
    pixels = random.Random(seed).randbytes(side * side * 3)
    return Image.frombytes("RGB", (side, side), pixels)


def png(seed: int, description: str | None = None, side: int = 24) -> bytes:
    text = PngInfo()
    if description is not None:
        text.add_itxt("usbcam", description)
    file = io.BytesIO()
    noise(seed, side).save(file, "PNG", pnginfo=text)
    return file.getvalue()


def jpeg(seed: int, description: str | None = None, side: int = 24) -> bytes:
    file = io.BytesIO()
    noise(seed, side).save(file, "JPEG")
    plain = file.getvalue()
    if description is None:
        return plain
    comment = b"usbcam " + description.encode()
    return plain[:2] + b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + plain[2:]


def description(captured_at: datetime = CAPTURED_AT, camera: str = "porch-left") -> str:
    metadata = {"schema": 1, "camera": camera, "captured_at": rfc3339(captured_at), "box": "1,2,3,4", "score": "0.934"}
    return json.dumps(metadata)


def rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def identity(payload: bytes, captured_at: datetime = CAPTURED_AT) -> str:
    stamp = captured_at.strftime("%Y%m%dT%H%M%S.") + f"{captured_at.microsecond // 1000:03d}Z"
    return f"{stamp}-{hashlib.sha256(payload).hexdigest()[:8]}"


def properties(payload: bytes, captured_at: datetime = CAPTURED_AT) -> dict[str, str]:
    """Return the properties that a camera sends with this image."""
    return {
        "schema": "1",
        "id": identity(payload, captured_at),
        "camera": "door",
        "captured_at": rfc3339(captured_at),
        "box": "10,20,30,40",
        "score": "0.934",
    }


def stored_metadata(payload: bytes) -> dict[str, str]:
    """Return what the bucket has of such an image."""
    return {name.replace("_", "-"): text for name, text in properties(payload).items()} | {"edge": "porch"}


def message(
    payload: bytes, metadata: dict[str, str] | None = None, topic: str = "usbcam/porch/images"
) -> IncomingMessage:
    return IncomingMessage(topic, payload, metadata if metadata is not None else properties(payload), ARRIVED_AT)


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png_of_nothing(width: int, height: int) -> bytes:
    """Return a picture that is small as a file and huge once it is decoded."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return PNG_START + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def png_with_text_bomb(megabytes: int) -> bytes:
    plain = png(1)
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(megabytes << 20), 1))
    return plain[:33] + text + plain[33:]


def png_with_many_texts(count: int) -> bytes:
    plain = png(1)
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(900_000), 9))
    return plain[:33] + text * count + plain[33:]


def png_without_its_last_rows() -> bytes:
    """Return a picture whose checksums are right and whose pixels are not all there."""
    rows = zlib.compress(bytes(24 * 3 + 1) * 23)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 24, 24, 8, 2, 0, 0, 0))
    return PNG_START + header + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def interlaced_png(width: int, height: int, depth: int, colour: int) -> bytes:
    """Return a black picture in seven passes, as long as the specification says."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    rows = b""
    for x, y, across, down in [
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ]:
        columns = len(range(x, width, across))
        if columns:
            rows += bytes(1 + (columns * channels * depth + 7) // 8) * len(range(y, height, down))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 1))
    palette = chunk(b"PLTE", bytes(6)) if colour == 3 else b""
    return PNG_START + header + palette + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def png_with_a_flipped_bit() -> bytes:
    plain = bytearray(png(1))
    plain[len(plain) // 2] ^= 1
    return bytes(plain)
