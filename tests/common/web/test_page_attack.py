"""A page under attack: silent and slow clients, guessed passwords, forged headers, other sites' pages."""

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from common.web import connections as connections_module
from common.web.app import PageFiles, create_app
from common.web.auth import PasswordAuth, household
from common.web.connections import SPARE_CONNECTIONS
from common.web.server import WebSettings, bind_socket, create_server, valid_trusted_proxy
from dev.harness.process import LOOPBACK, free_port, wait_for
from tests.support.pages.web import Site, basic, cookie

PASSWORD = "open sesame"
MAX_REQUESTS = 10
SECONDS = 30.0
NAVIGATION = {"sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}


@contextmanager
def served(password: str = PASSWORD, trusted_proxy: str = "") -> Iterator[tuple[Site, threading.Event]]:
    """A page; its requests for /wait end when the event is set."""
    release = threading.Event()

    def wait(_: Request) -> Response:
        release.wait(SECONDS)
        return PlainTextResponse("waited")

    def who(request: Request) -> Response:
        return JSONResponse([request.client.host if request.client else "", request.url.scheme])

    port = free_port()
    settings = WebSettings(prefix="PAGE", bind=LOOPBACK, port=port, password=SecretStr(password), password_file=None)
    routes = [Route("/wait", wait), Route("/who", who), Route("/healthz", lambda _: PlainTextResponse("healthy"))]
    auth = PasswordAuth(password or None, cookie="test")
    public = ("/healthz", "/wait", "/who")
    app = create_app(routes, PageFiles("common.web", "icon.svg"), auth, setting="PAGE_PASSWORD", public_paths=public)
    server = create_server(
        app, max_requests=MAX_REQUESTS, stop_seconds=1, trusted_proxy=trusted_proxy, always_served=["/healthz"]
    )
    with bind_socket(settings) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield Site(port), release
        finally:
            release.set()
            server.should_exit = True
            thread.join()


@pytest.fixture
def page() -> Iterator[Site]:
    with served() as (page, _):
        yield page


def dial(page: Site, sent: bytes = b"") -> socket.socket:
    connection = socket.create_connection((LOOPBACK, page.port), SECONDS)
    connection.sendall(sent)
    return connection


def is_cut_off(connection: socket.socket) -> bool:
    """Whether the page has hung up without a word."""
    if not select.select([connection], [], [], 0)[0]:
        return False
    with contextlib.suppress(ConnectionError):
        return connection.recv(1) == b""
    return True


SILENT = [
    b"",
    b"GET / HTTP/1.1\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ",
    b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\npassword=",
    b"POST /login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\npass",
    b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nHost",
]


@pytest.mark.parametrize("sent", SILENT, ids=range(len(SILENT)))
def test_any_number_of_silent_clients_keeps_nobody_out(page: Site, sent: bytes) -> None:
    with ExitStack() as stack:
        for _ in range(2 * (MAX_REQUESTS + SPARE_CONNECTIONS)):
            silent = stack.enter_context(dial(page, sent))
            if b"\r\n\r\nGET" in sent:  # the first of two requests is answered
                assert silent.recv(1)

        assert page.ask("/healthz").status == 200
        assert page.ask("/login", "POST", "password=open+sesame").headers["location"] == "/"


def test_a_client_that_is_late_is_cut_off_however_it_drips(page: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections_module, "REQUEST_SECONDS", 2.0)
    with ExitStack() as stack:
        slow = {sent: stack.enter_context(dial(page, sent)) for sent in SILENT[:5]}

        def kept() -> list[bytes]:
            for sent, connection in slow.items():
                if sent and b"chunked" not in sent:
                    with contextlib.suppress(OSError):
                        connection.send(b"x")
            return [sent for sent, connection in slow.items() if not is_cut_off(connection)]

        wait_for(lambda: not kept(), seconds=SECONDS, what="the end of the slow connections")


def test_a_request_that_takes_long_is_not_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections_module, "REQUEST_SECONDS", 0.1)
    with served() as (page, release), ThreadPoolExecutor(1) as pool:
        answer = pool.submit(page.ask, "/wait")
        with dial(page) as silent:
            wait_for(lambda: is_cut_off(silent), seconds=SECONDS, what="the end of the silent one")
        release.set()

        assert answer.result().body == b"waited"


def test_health_is_served_while_too_many_requests_run() -> None:
    with served() as (page, _), ExitStack() as stack:
        for _ in range(2 * MAX_REQUESTS):
            stack.enter_context(dial(page, b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"))

        wait_for(lambda: page.ask("/login").status == 503, seconds=SECONDS, what="too many requests")
        assert page.ask("/healthz").status == 200


def test_a_wrong_password_waits_and_the_right_one_does_not(page: Site) -> None:
    wrong = b"GET /page/ HTTP/1.1\r\nHost: x\r\nAuthorization: " + basic("guess").encode() + b"\r\n\r\n"
    with ExitStack() as stack:
        guessers = [stack.enter_context(dial(page, wrong)) for _ in range(5)]

        assert page.ask("/page/base.css", authorization=basic(PASSWORD)).status == 200
        assert select.select(guessers, [], [], 0)[0] == []
        assert all(b"401" in guesser.recv(100) for guesser in guessers)


def test_a_flood_of_guesses_refuses_neither_the_right_password_nor_other_requests(page: Site) -> None:
    body = b"password=guess"
    guess = b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    with ExitStack() as stack:
        for _ in range(MAX_REQUESTS - 2):
            stack.enter_context(dial(page, guess))

        session = cookie(page.ask("/login", "POST", "password=open+sesame"))
        assert page.ask("/page/base.css", cookie=session).status == 200


def test_cookies_of_any_kind_hold_nobody_up(page: Site) -> None:
    session = cookie(page.ask("/login", "POST", "password=open+sesame"))

    for value in ('"' + "\\1" * 30_000 + '"', "=" * 60_000, "a; " * 20_000, "\\" * 60_000):
        assert page.ask("/page/base.css", cookie=f"test={value}").status == 401
        assert page.ask("/page/base.css", cookie=f"test={value}; {session}").status == 200
    page.ask("/logout", "POST", cookie=f"{session}; test=other")
    assert page.ask("/page/base.css", cookie=session).status == 401


def test_a_request_of_two_lengths_is_refused_and_what_stands_behind_it_is_no_request(page: Site) -> None:
    first = b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    with dial(page, first + b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n") as smuggler:
        answer = b"".join(iter(lambda: smuggler.recv(4096), b""))

    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1") == 1


def test_whoever_has_a_network_of_ipv6_is_one_of_many_addresses() -> None:
    ours, theirs = "2001:db8:0:7::1", "2001:db8:0:8::1"

    assert household(ours) == household("2001:db8:0:7:ffff::9") != household(theirs)
    assert household("::ffff:203.0.113.7") == household("203.0.113.7") == "203.0.113.7"
    assert household("proxy") == "proxy"


FORGED = {"x_forwarded_for": "203.0.113.7", "x_forwarded_proto": "https"}


def test_nobody_is_believed_to_be_a_proxy_unless_a_setting_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    for trusted in ("", "192.0.2.1", "10.0.0.0/8"):
        with served(trusted_proxy=trusted) as (page, _):
            assert page.ask("/who", **FORGED).body == b'["127.0.0.1","http"]'
            opened = page.ask("/login", "POST", "password=open+sesame", **FORGED)
            assert "secure" not in opened.headers["set-cookie"].lower()


@pytest.mark.parametrize("trusted", ["127.0.0.1", "127.0.0.0/8"])
def test_the_trusted_proxy_tells_the_client_and_the_scheme(trusted: str) -> None:
    with served(trusted_proxy=trusted) as (page, _):
        assert page.ask("/who", **FORGED).body == b'["203.0.113.7","https"]'
        forged_twice = {"x_forwarded_for": "1.1.1.1, 203.0.113.7"}  # the client wrote the first, the proxy the last
        assert page.ask("/who", **forged_twice).body == b'["203.0.113.7","http"]'
        opened = page.ask("/login", "POST", "password=open+sesame", **FORGED)
        assert "secure" in opened.headers["set-cookie"].lower()


@pytest.mark.parametrize("text", ["*", "proxy.lan", "10.0.0.0/33", "10.0.0.1;10.0.0.2"])
def test_what_is_no_address_or_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be the proxy's address or network, such as"):
        valid_trusted_proxy(text)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("how", [{}, NAVIGATION | {"sec_fetch_dest": "iframe"}, {"sec_fetch_mode": "no-cors"}])
def test_another_sites_page_reads_nothing(page: Site, site: str, how: dict[str, str]) -> None:
    for path in ("/", "/page/base.css", "/static/base.css"):
        assert page.ask(path, authorization=basic(PASSWORD), sec_fetch_site=site, **how).status == 403
    assert page.ask("/logout", "POST", sec_fetch_site=site, **NAVIGATION).status == 403


def test_a_link_on_another_site_opens_the_page_and_scripts_pass(page: Site) -> None:
    authorization = basic(PASSWORD)

    assert page.ask("/", authorization=authorization, sec_fetch_site="cross-site", **NAVIGATION).status == 200
    assert page.ask("/", authorization=authorization, sec_fetch_site="none").status == 200
    assert page.ask("/page/base.css", authorization=authorization, sec_fetch_site="same-origin").status == 200
    assert page.ask("/page/base.css", authorization=authorization).status == 200
