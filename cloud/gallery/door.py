"""Who may look: anybody on this host, and from elsewhere whoever knows the password."""

import base64
import binascii
import ipaddress
import secrets
import time
from collections import OrderedDict

from starlette.requests import HTTPConnection

from gallery.limit import TokenBucket

COOKIE = "usbcam_gallery"
SESSION_SECONDS = 30 * 86400
MOST_SESSIONS = 100
GUESSES_PER_MINUTE = 20  # of each address; half of them may come at once
MOST_ADDRESSES = 1000


class Door:
    """Lets in by a cookie, which the password gives, or by HTTP's Basic scheme for Prometheus and scripts."""

    def __init__(self, password: str | None) -> None:
        """None asks nobody."""
        self._password = password.encode() if password else None
        self._sessions: OrderedDict[str, float] = OrderedDict()  # until when, by token
        self._guesses: OrderedDict[str, TokenBucket] = OrderedDict()

    @property
    def has_lock(self) -> bool:
        """Whether there is a password."""
        return self._password is not None

    def admits(self, request: HTTPConnection) -> bool:
        """Whether this request may see everything."""
        if self._password is None:
            return True
        until = self._sessions.get(request.cookies.get(COOKIE, ""))
        if until is not None and until > time.monotonic():
            return True
        given = _basic_password(request.headers.get("authorization", ""))
        return given is not None and self.knows(given, address_of(request))

    def knows(self, password: str, address: str) -> bool:
        """Whether this is the password; guessing many times is answered with no."""
        if self._password is None or not self._may_guess(address):
            return False
        right = secrets.compare_digest(password.encode(), self._password)
        if right:
            self._guesses.pop(address, None)
        return right

    def open(self) -> str:
        """Begin a session; the cookie's value."""
        token = secrets.token_urlsafe(32)
        self._sessions[token] = time.monotonic() + SESSION_SECONDS
        while len(self._sessions) > MOST_SESSIONS:
            self._sessions.popitem(last=False)
        return token

    def close(self, request: HTTPConnection) -> None:
        """End the session."""
        self._sessions.pop(request.cookies.get(COOKIE, ""), None)

    def _may_guess(self, address: str) -> bool:
        bucket = self._guesses.setdefault(address, TokenBucket(GUESSES_PER_MINUTE))
        while len(self._guesses) > MOST_ADDRESSES:
            self._guesses.popitem(last=False)
        return bucket.take(time.monotonic())


def address_of(request: HTTPConnection) -> str:
    """Whose guesses are counted together."""
    return request.client.host if request.client else ""


def is_loopback(address: str) -> bool:
    """Whether only programs of this host reach a port there."""
    try:
        return address == "localhost" or ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def is_public_name(host: str) -> bool:
    """Whether a Host header is a name that somebody may own: a web page could have pointed its own name here."""
    name = host.rpartition("]")[0] or host.partition(":")[0]
    try:
        ipaddress.ip_address(name.strip("["))
    except ValueError:
        return "." in name
    return False


def _basic_password(header: str) -> str | None:
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return None
