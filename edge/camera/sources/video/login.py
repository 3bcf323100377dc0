"""How a network camera asks for a login: FFmpeg answers Basic and a digest by MD5, and takes all else for a refusal."""

import contextlib
import re
import socket
import ssl

from camera.config.camera_url import MARK, CameraUrl

MD5 = {"MD5", "MD5-SESS"}
DIGEST = re.compile(rb"^www-authenticate:[ \t]*digest\b(.*)$", re.IGNORECASE | re.MULTILINE)
ALGORITHM = re.compile(rb"\balgorithm\s*=\s*\"?([\w-]+)", re.IGNORECASE)
TLS = {"https", "rtsps"}
SECONDS, MAX_BYTES, END = 3.0, 1 << 14, b"\r\n\r\n"


def asks_for_unknown_digest(url: str, address: CameraUrl) -> bool:
    """Whether the camera wants a digest that FFmpeg cannot compute; it takes the last that is offered."""
    offered = DIGEST.findall(_head(url, address))
    algorithm = ALGORITHM.search(offered[-1]) if offered else None
    return algorithm is not None and algorithm[1].decode().upper() not in MD5


def _head(url: str, address: CameraUrl) -> bytes:
    """What the camera answers to a request without a login; empty if nothing."""
    if address.host is None or address.port is None:
        return b""
    host, rest = address.host.strip("[]"), url.partition(MARK)[2]
    authority, slash, tail = rest.partition("/")
    place, path = authority.rpartition("@")[2], slash + tail
    if address.scheme in {"rtsp", "rtsps"}:
        request = f"DESCRIBE {address.scheme}{MARK}{place}{path} RTSP/1.0\r\nCSeq: 1{END.decode()}"
    else:
        request = f"GET {path or '/'} HTTP/1.0\r\nHost: {place}{END.decode()}"
    answer = b""
    with (
        contextlib.suppress(OSError),
        socket.create_connection((host, address.port), SECONDS) as plain,
        _unverified().wrap_socket(plain) if address.scheme in TLS else plain as connection,
    ):
        connection.sendall(request.encode())
        while END not in answer and len(answer) < MAX_BYTES and (more := connection.recv(MAX_BYTES)):
            answer += more
    return answer


def _unverified() -> ssl.SSLContext:
    """As FFmpeg connects: cameras' certificates are their own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
