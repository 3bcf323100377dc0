"""What a USB Video Class camera says about itself when it is plugged in."""

import struct
from dataclasses import dataclass, field

Sizes = tuple[tuple[int, int], ...]

INTERVALS = (333333, 666666, 1000000, 2000000)  # 30, 15, 10, 5 frames a second, in units of 100 ns
PACKETS = (0x0400, 0x0C00, 0x1400)  # one, two, three times 1024 bytes a microframe: alternate settings 1 to 3
YUYV_GUID = b"YUY2\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"
CLASS_SPECIFIC, VIDEO = 0x24, 0x0E
BITS_A_PIXEL = 16


@dataclass(frozen=True, slots=True)
class Model:
    """A camera as it is sold: what it is called and what it can do."""

    bus_id: str  # such as 1-1: the port that it is plugged into, on our side
    name: str = "HD Pro Webcam C920"
    maker: str = "ACME"
    serial: str = ""
    vendor: int = 0x046D
    product: int = 0x082D
    formats: dict[str, Sizes] = field(
        default_factory=lambda: {"MJPG": ((1280, 720), (640, 480)), "YUYV": ((640, 480),)}
    )
    bulk: bool = False  # no isochronous packets
    clock: bool = False  # stamps its packets with a clock of its own


def device(model: Model) -> bytes:
    serial = 3 if model.serial else 0
    numbers = (18, 1, 0x0200, 0xEF, 2, 1, 64, model.vendor, model.product, 0x0011, 1, 2, serial, 1)
    return struct.pack("<BBHBBBBHHHBBBB", *numbers)


def qualifier() -> bytes:
    return struct.pack("<BBHBBBBBB", 10, 6, 0x0200, 0xEF, 2, 1, 64, 1, 0)


def text(model: Model, number: int) -> bytes | None:
    """One of its texts: maker, name, serial; 0 is the language of all."""
    if number == 0:
        return b"\x04\x03\x09\x04"
    found = {1: model.maker, 2: model.name, 3: model.serial}.get(number)
    raw = (found or "").encode("utf-16-le")
    return bytes([len(raw) + 2, 3]) + raw if found else None


def configuration(model: Model) -> bytes:
    body = bytes([8, 0x0B, 0, 2, VIDEO, 3, 0, 0]) + _control_interface() + _streaming_interface(model)
    return struct.pack("<BBHBBBBB", 9, 2, 9 + len(body), 2, 1, 0, 0x80, 250) + body


def _control_interface() -> bytes:
    units = b"".join((
        bytes([18, CLASS_SPECIFIC, 2, 1, 0x01, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0]),  # camera terminal 1
        bytes([11, CLASS_SPECIFIC, 5, 2, 1, 0, 0, 2, 0x01, 0x00, 0]),  # processing unit 2: brightness
        bytes([9, CLASS_SPECIFIC, 3, 3, 0x01, 0x01, 0, 2, 0]),  # output terminal 3, from 2
    ))  # fmt: skip
    head = struct.pack("<BBBHHIBB", 13, CLASS_SPECIFIC, 1, 0x0100, 13 + len(units), 15_000_000, 1, 1)
    return bytes([9, 4, 0, 0, 0, VIDEO, 1, 0, 0]) + head + units


def _streaming_interface(model: Model) -> bytes:
    formats = b"".join(_format(number, *each) for number, each in enumerate(model.formats.items(), 1))
    count = len(model.formats)
    size = 13 + count + len(formats)
    head = struct.pack("<BBBBHBBBBBBB", 13 + count, CLASS_SPECIFIC, 1, count, size, 0x81, 0, 3, 0, 0, 0, 1) + bytes(
        count
    )
    if model.bulk:
        return bytes([9, 4, 1, 0, 1, VIDEO, 2, 0, 0]) + head + formats + struct.pack("<BBBBHB", 7, 5, 0x81, 2, 512, 0)
    alternates = b"".join(
        bytes([9, 4, 1, number, 1, VIDEO, 2, 0, 0]) + struct.pack("<BBBBHB", 7, 5, 0x81, 5, packet, 1)
        for number, packet in enumerate(PACKETS, 1)
    )
    return bytes([9, 4, 1, 0, 0, VIDEO, 2, 0, 0]) + head + formats + alternates


def _format(number: int, fourcc: str, sizes: Sizes) -> bytes:
    if fourcc == "MJPG":
        head, kind = bytes([11, CLASS_SPECIFIC, 6, number, len(sizes), 1, 1, 0, 0, 0, 0]), 7
    else:
        head = bytes([27, CLASS_SPECIFIC, 4, number, len(sizes)]) + YUYV_GUID + bytes([BITS_A_PIXEL, 1, 0, 0, 0, 0])
        kind = 5
    return (
        head
        + b"".join(_frame(kind, index, size) for index, size in enumerate(sizes, 1))
        + bytes([6, CLASS_SPECIFIC, 13, 1, 1, 4])
    )


def _frame(kind: int, index: int, size: tuple[int, int]) -> bytes:
    width, height = size
    bits, count = width * height * BITS_A_PIXEL, len(INTERVALS)
    numbers = (26 + 4 * count, CLASS_SPECIFIC, kind, index, 0, width, height, bits * 5, bits * 30, width * height * 2)
    return struct.pack("<BBBBBHHIII", *numbers) + struct.pack(f"<IB{count}I", INTERVALS[1], count, *INTERVALS)
