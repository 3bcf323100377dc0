"""Password authentication for a web page: a session cookie for browsers, HTTP Basic for Prometheus and scripts."""

import asyncio
import base64
import binascii
import ipaddress
import secrets
import time

from cachetools import LRUCache, TTLCache
from starlette.requests import HTTPConnection

from common.rate_limit import TokenBucket

SESSION_SECONDS = 30 * 86400
MAX_SESSIONS = 100
WRONG_PER_MINUTE = 20  # of one address, half of them at once: more are held back for longer
SHORT_DELAY_SECONDS, LONG_DELAY_SECONDS = 0.5, 3.0
MAX_DELAYED = 32  # answers that are held back at once, so that guesses do not take all requests
MAX_ADDRESSES = 1000
HOUSEHOLD_BITS = 64


class PasswordAuth:
    """Checks the password, keeps the sessions it opened, and holds the answers to wrong passwords back.

    Not Starlette's AuthenticationBackend: the request guard refuses a request before anything else looks at it,
    and sessions are kept here, not in a signed cookie, so that logging out ends them.
    """

    def __init__(self, password: str | None, cookie: str) -> None:
        """`password`: None requires none. `cookie`: its name, because all ports of a host share their cookies."""
        self.cookie = cookie
        self._password = password.encode() if password else None
        self._sessions: TTLCache[str, bool] = TTLCache(MAX_SESSIONS, SESSION_SECONDS)
        self._wrong: LRUCache[str, TokenBucket] = LRUCache(MAX_ADDRESSES)
        self._delayed = 0

    @property
    def password_required(self) -> bool:
        return self._password is not None

    def is_authenticated(self, request: HTTPConnection) -> bool:
        """Whether this request may see everything."""
        if self._password is None or any(token in self._sessions for token in self._tokens(request)):
            return True
        password = _basic_password(request.headers.get("authorization", ""))
        return password is not None and self.verify_password(password)

    def verify_password(self, password: str) -> bool:
        """Whether the password is right; it is never refused, since many users may share an address with a guesser."""
        if self._password is None:
            return False
        return secrets.compare_digest(password.encode("utf-8", "replace"), self._password)

    async def delay_refusal(self, address: str) -> None:
        """Wait before a wrong password is answered, the longer the more the address sends."""
        if self._delayed >= MAX_DELAYED:
            return
        bucket = self._wrong.setdefault(address, TokenBucket(WRONG_PER_MINUTE))
        self._delayed += 1
        try:
            within_limit = bucket.try_acquire(time.monotonic())
            await asyncio.sleep(SHORT_DELAY_SECONDS if within_limit else LONG_DELAY_SECONDS)
        finally:
            self._delayed -= 1

    def create_session(self) -> str:
        """Begin a session and return the cookie's value."""
        token = secrets.token_urlsafe(32)
        self._sessions[token] = True
        return token

    def end_session(self, request: HTTPConnection) -> None:
        """End the session that the request's cookie names."""
        for token in self._tokens(request):
            self._sessions.pop(token, None)

    def _tokens(self, request: HTTPConnection) -> list[str]:
        """All values of our cookie, read as they are: to undo quotes takes older Pythons a minute of a hostile one."""
        cookies = [part.partition("=") for header in request.headers.getlist("cookie") for part in header.split(";")]
        return [value.strip() for name, _, value in cookies if name.strip() == self.cookie]


def client_address(request: HTTPConnection) -> str:
    """Whose wrong passwords are counted together."""
    return household(request.client.host if request.client else "")


def household(address: str) -> str:
    """One address of IPv4, or the 64 bits of IPv6 that everybody has to himself; anything else as it is."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        return str(found.ipv4_mapped or ipaddress.ip_network((int(found), HOUSEHOLD_BITS), strict=False))
    return address


def is_loopback(address: str) -> bool:
    """Whether only programs on this host can reach a port there."""
    try:
        return address == "localhost" or ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False


def is_public_hostname(host: str) -> bool:
    """Whether a Host header is a name that somebody could own and point here (DNS rebinding)."""
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
