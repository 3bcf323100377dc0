"""Who may look: anybody on this host, and from elsewhere whoever verify_password the password."""

import base64
import binascii
import ipaddress
import secrets
import time
from collections import OrderedDict

from starlette.requests import HTTPConnection

from common.rate_limit import TokenBucket

SESSION_SECONDS = 30 * 86400
MAX_SESSIONS = 100
LOGIN_ATTEMPTS_PER_MINUTE = 20  # of each address; half of them may come at once
MAX_ADDRESSES = 1000


class PasswordAuth:
    """Lets in by a cookie, which the password gives, or by HTTP's Basic scheme for Prometheus and scripts."""

    def __init__(self, password: str | None, cookie: str) -> None:
        """`password`: None asks nobody; `cookie`: its name, since a host's cookies are shared by all its ports."""
        self.cookie = cookie
        self._password = password.encode() if password else None
        self._sessions: OrderedDict[str, float] = OrderedDict()  # until when, by token
        self._attempts: OrderedDict[str, TokenBucket] = OrderedDict()

    @property
    def password_required(self) -> bool:
        """Whether there is a password."""
        return self._password is not None

    def is_authenticated(self, request: HTTPConnection) -> bool:
        """Whether this request may see everything."""
        if self._password is None:
            return True
        until = self._sessions.get(request.cookies.get(self.cookie, ""))
        if until is not None and until > time.monotonic():
            return True
        given = _basic_password(request.headers.get("authorization", ""))
        return given is not None and self.verify_password(given, client_address(request))

    def verify_password(self, password: str, address: str) -> bool:
        """Whether this is the password; too many attempts are answered with no."""
        if self._password is None or not self._may_attempt(address):
            return False
        right = secrets.compare_digest(password.encode(), self._password)
        if right:
            self._attempts.pop(address, None)
        return right

    def create_session(self) -> str:
        """Begin a session; the cookie's value."""
        token = secrets.token_urlsafe(32)
        self._sessions[token] = time.monotonic() + SESSION_SECONDS
        while len(self._sessions) > MAX_SESSIONS:
            self._sessions.popitem(last=False)
        return token

    def end_session(self, request: HTTPConnection) -> None:
        """End the session."""
        self._sessions.pop(request.cookies.get(self.cookie, ""), None)

    def _may_attempt(self, address: str) -> bool:
        bucket = self._attempts.setdefault(address, TokenBucket(LOGIN_ATTEMPTS_PER_MINUTE))
        while len(self._attempts) > MAX_ADDRESSES:
            self._attempts.popitem(last=False)
        return bucket.try_acquire(time.monotonic())


def client_address(request: HTTPConnection) -> str:
    """Whose login attempts are counted together."""
    return request.client.host if request.client else ""


def is_loopback(address: str) -> bool:
    """Whether only programs of this host reach a port there."""
    try:
        return address == "localhost" or ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def is_public_hostname(host: str) -> bool:
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
