"""The address of a network camera: what of it may be shown, and what is wrong with it.

A password may stand anywhere in an address, also where it does not belong. So what is shown is put together from the
scheme, host and port that were understood; nothing is cut out of what the user wrote.
"""

import re
from dataclasses import dataclass

PORTS = {
    "rtsp": 554, "rtsps": 322, "http": 80, "https": 443, "rtmp": 1935, "rtmps": 443,
    "tcp": None, "udp": None, "rtp": None, "srt": None,
}  # fmt: skip
CONNECTED = ("rtsp", "rtsps", "http", "https", "rtmp", "rtmps")  # that take more than one connection
MARK = "://"
UNKNOWN = "..."
END_OF_AUTHORITY = re.compile(r"[/?#]")
HOST_AND_PORT = re.compile(r"(?P<host>[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?")
MAX_PORT = 65535
ENCODING = "Encode the user and the password: # is %23, / is %2F, ? is %3F, @ is %40, : is %3A and % is %25."


@dataclass(frozen=True, slots=True)
class CameraUrl:
    """What was understood of an address."""

    scheme: str | None = None
    host: str | None = None
    port: int | None = None  # also where the address does not name it
    problem: str | None = None  # completes "CAMERA_SOURCE=... ", with the remedy

    def __str__(self) -> str:
        """The address as it may be shown."""
        place = UNKNOWN if self.host is None else self.host
        named = self.host is not None and self.port is not None and self.port != PORTS.get(self.scheme or "")
        return f"{self.scheme or UNKNOWN}{MARK}{place}" + (f":{self.port}" if named else "")


def parse_url(url: str) -> CameraUrl:
    """Understand an address; what is doubtful is a problem and is not shown."""
    word, _, rest = url.partition(MARK)
    scheme = word.lower()
    if scheme not in PORTS:
        return CameraUrl(problem="has a scheme that is not understood: write rtsp://, http:// or https://.")
    authority, *tail = END_OF_AUTHORITY.split(rest, maxsplit=1)
    if "@" in "".join(tail):  # then what looks like a host may be a user name, and a port a password
        return CameraUrl(scheme, problem=f"has an @ behind the first /, ? or #: fix it in .env. {ENCODING}")
    found = HOST_AND_PORT.fullmatch(authority.rpartition("@")[2])
    if found is None:
        wrong = "port" if ":" in authority.rpartition("@")[2] else "host"
        return CameraUrl(scheme, problem=f"has a wrong {wrong}: fix it in .env. {ENCODING}")
    port = int(found["port"]) if found["port"] else PORTS[scheme]
    if port is not None and not 0 < port <= MAX_PORT:
        return CameraUrl(scheme, problem=f"has a wrong port: fix it in .env. {ENCODING}")
    try:
        found["host"].strip("[]").encode("idna")
    except UnicodeError:
        return CameraUrl(scheme, problem=f"has a wrong host: fix it in .env. {ENCODING}")
    return CameraUrl(scheme, found["host"], port)
