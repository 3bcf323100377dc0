"""How tests ask a page of ours without a browser."""

import base64
import http.client
from collections.abc import Mapping
from dataclasses import dataclass

from playwright.sync_api import ViewportSize

from dev.harness.process import LOOPBACK

PHONE = ViewportSize(width=390, height=844)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a page answered; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Site:
    """A page at a port of this machine."""

    port: int

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def ask(self, path: str, method: str = "GET", body: str | None = None, **headers: str) -> Answer:
        """Headers are written with _ for -."""
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=30)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            return Answer(answer.status, {n.lower(): v for n, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def answers(self) -> bool:
        try:
            return self.ask("/login").status == 200
        except OSError:
            return False


def basic(password: str) -> str:
    """The header of HTTP's Basic scheme."""
    return "Basic " + base64.b64encode(f"anybody:{password}".encode()).decode()


def cookie(answer: Answer) -> str:
    """What a login gave, as a browser sends it."""
    return answer.headers["set-cookie"].partition(";")[0]
