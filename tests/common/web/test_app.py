"""A page put together from the shared parts: what is public, what browsers may keep, what the login page says."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from common.web.app import PageFiles, create_app, languages
from common.web.auth import PasswordAuth
from common.web.server import WebServerError, WebSettings, bind_socket, create_server, load_password
from dev.harness.process import LOOPBACK, free_port
from tests.support.pages.web import Site, basic, cookie

PASSWORD = "open sesame"


def web_settings(bind: str, password: str, port: int = 1) -> WebSettings:
    return WebSettings(prefix="PAGE", bind=bind, port=port, password=SecretStr(password), password_file=None)


def raise_error(request: Request) -> Response:
    raise HTTPException(404) if request.query_params else LookupError("nobody knows")


def explain(_: Request, error: Exception) -> Response:
    return PlainTextResponse(str(error), 400)


@pytest.fixture
def page() -> Iterator[Site]:
    settings = web_settings(LOOPBACK, PASSWORD, free_port())
    app = create_app(
        [Route("/broken", raise_error)],
        PageFiles("common.web", "icon.svg"),
        PasswordAuth(load_password(settings), cookie="test"),
        setting="<PAGE_PASSWORD>",
        exception_handlers={LookupError: explain},
    )
    server = create_server(app, max_requests=10, stop_seconds=1)
    with bind_socket(settings) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield Site(settings.port)
        server.should_exit = True
        thread.join()


def test_shared_files_are_public_and_the_pages_own_are_not(page: Site) -> None:
    assert page.ask("/static/base.css").status == 200
    assert page.ask("/page/base.css").status == 401
    assert page.ask("/page/base.css", authorization=basic(PASSWORD)).status == 200
    assert page.ask("/", authorization=basic(PASSWORD)).headers["cache-control"] == "no-store"


def test_a_file_that_the_browser_has_is_not_sent_again(page: Site) -> None:
    first = page.ask("/static/dom.js")
    again = page.ask("/static/dom.js", if_none_match=first.headers["etag"])

    assert first.headers["cache-control"] == again.headers["cache-control"] == "no-cache"
    assert first.headers["content-type"].startswith("text/javascript")
    assert (again.status, again.body) == (304, b"")
    assert page.ask("/static/dom.js", "HEAD").headers["content-length"] == str(len(first.body))


@pytest.mark.parametrize(
    "path", ["/static/../auth.py", "/static/%2e%2e/auth.py", "/static//etc/passwd", "/static/%00", "/static/"]
)
def test_nothing_outside_the_folder_of_static_files_is_served(page: Site, path: str) -> None:
    assert page.ask(path).status == 404


@pytest.mark.parametrize("host", ["x/login?", "x/static/?", "x/login#"])
def test_a_host_header_makes_no_path_public(page: Site, host: str) -> None:
    assert page.ask("/page/base.css", host=host).status == 401


def test_a_page_is_told_the_languages_that_have_a_file(page: Site, tmp_path: Path) -> None:
    for name in ("texts.js", "texts.fr.js", "texts.de.js", "text.js"):
        (tmp_path / name).touch()

    assert languages(tmp_path) == ["de", "fr"]
    answer = page.ask("/page/languages.js", authorization=basic(PASSWORD))
    assert (answer.headers["content-type"].partition(";")[0], answer.body) == (
        "text/javascript",
        b"export const LANGUAGES = [];\n",
    )


def test_the_login_page_names_the_setting_as_text(page: Site) -> None:
    assert b"<code>&lt;PAGE_PASSWORD&gt;</code>" in page.ask("/login").body


def test_a_session_ends_when_its_user_logs_out(page: Site) -> None:
    session = cookie(page.ask("/login", "POST", "password=open+sesame"))

    assert page.ask("/page/base.css", cookie=session).status == 200
    page.ask("/logout", "POST", cookie=session)
    assert page.ask("/page/base.css", cookie=session).status == 401


def test_an_exception_is_answered_by_its_handler(page: Site) -> None:
    known = page.ask("/broken", authorization=basic(PASSWORD))
    missing = page.ask("/broken?x", authorization=basic(PASSWORD))

    assert (known.status, known.body) == (400, b"nobody knows")
    assert (missing.status, missing.body) == (404, b"There is nothing here.\n")
    assert "content-security-policy" in missing.headers


@pytest.mark.parametrize("bind", ["127.0.0.1", "::1", "localhost"])
def test_this_host_may_look_without_a_password(bind: str) -> None:
    assert load_password(web_settings(bind, "")) is None


@pytest.mark.parametrize("bind", ["::", "0.0.0.0", "192.0.2.1", "camera.lan"])  # noqa: S104
def test_other_hosts_may_not(bind: str) -> None:
    with pytest.raises(WebServerError) as refused:
        load_password(web_settings(bind, ""))

    assert str(refused.value) == f"PAGE_BIND={bind} lets other hosts in, so set PAGE_PASSWORD in .env."
