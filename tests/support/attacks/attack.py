"""What an anonymous client, or a compromised edge, may try with its own socket."""

import contextlib
import random
import socket
import ssl
import struct
from collections.abc import Iterator

from dev.harness.enrolment import Credentials
from dev.harness.services import LOOPBACK

SECONDS = 10.0


def context(credentials: Credentials | None = None) -> ssl.SSLContext:
    """Return a client's side of TLS that believes any server."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    if credentials is not None:
        made.load_cert_chain(credentials.certificate, credentials.key)
    return made


def connect_packet(client_id: str = "x") -> bytes:
    return packet(0x10, b"\x00\x04MQTT\x05\x02\x00\x3c\x00" + text(client_id))


def packet(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + _length(len(body)) + body


def publish_packet(topic: str, payload: bytes, *, retain: bool = False) -> bytes:
    return packet(0x33 if retain else 0x32, text(topic) + b"\x00\x07\x00" + payload)


def property_packet(topic: str, size: int) -> bytes:
    """Return a message of one byte and `size` bytes of empty user properties, which cost a broker 13 times that."""
    properties = b"\x26\x00\x00\x00\x00" * (size // 5)
    return packet(0x32, text(topic) + b"\x00\x07" + _length(len(properties)) + properties + b"x")


def subscribe_packet(topic: str) -> bytes:
    return packet(0x82, b"\x00\x08\x00" + text(topic) + b"\x01")


@contextlib.contextmanager
def secured(port: int, given: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:
    """Connect with TLS, and no further."""
    with (
        socket.create_connection((LOOPBACK, port), SECONDS) as plain,
        given.wrap_socket(plain) as secure,
    ):
        yield secure


@contextlib.contextmanager
def connected(port: int, given: ssl.SSLContext, hello: bytes) -> Iterator[ssl.SSLSocket]:
    """Connect with TLS and a CONNECT packet, whatever the broker answers."""
    with secured(port, given) as edge:
        edge.sendall(hello)
        edge.recv(100)
        yield edge


def answer(port: int, given: ssl.SSLContext | None, sent: bytes) -> bytes:
    """Connect, with TLS or without, send, and return what comes back; nothing when the other side hangs up."""
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), SECONDS) as plain:
        if given is None:
            plain.sendall(sent)
            return plain.recv(100)
        with given.wrap_socket(plain) as secure:
            secure.sendall(sent)
            return secure.recv(100)
    return b""


def mutated(seed: int) -> Iterator[bytes]:
    """Packets that are nearly right, without end."""
    chance = random.Random(seed)
    right = [
        connect_packet("porch"),
        publish_packet("usbcam/porch/images", b"x" * 40),
        publish_packet("usbcam/attic/images", b"x" * 40),
        subscribe_packet("usbcam/porch/receipts"),
        subscribe_packet("$share/uploaders/usbcam/+/images"),
        packet(0xA2, b"\x00\x09\x00" + text("usbcam/porch/receipts")),
        packet(0x40, b"\x00\x07"),
        packet(0x62, b"\x00\x07"),
        packet(0xC0, b""),
        packet(0xE0, b"\x00\x00"),
        packet(0xF0, b"\x00\x00"),
    ]
    while True:
        yield _spoil(chance, bytearray(chance.choice(right)))


def _spoil(chance: random.Random, right: bytearray) -> bytes:
    for _ in range(chance.choice((1, 1, 2, 5))):
        place = chance.randrange(len(right))
        match chance.randrange(5):
            case 0:
                right[place] ^= 1 << chance.randrange(8)
            case 1:
                right[place] = chance.choice((0, 1, 0x7F, 0x80, 0xFF))
            case 2:
                right[place:place] = chance.randbytes(chance.randint(1, 6))
            case 3:
                del right[place + 1 :]
            case 4:
                right += chance.randbytes(chance.randint(1, 200))
    return bytes(right)


def text(text: str) -> bytes:
    return struct.pack(">H", len(text)) + text.encode()


def _length(number: int) -> bytes:
    made = bytearray()
    while True:
        number, digit = divmod(number, 128)
        made.append(digit | (0x80 if number else 0))
        if not number:
            return bytes(made)
