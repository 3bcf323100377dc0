"""The login page and the two requests that begin and end a session."""

import html
from functools import lru_cache
from importlib import resources
from string import Template
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from common.runtime.help_page import word
from common.translation import for_browser, language_of_browser
from common.web.auth import SESSION_SECONDS, PasswordAuth, client_address
from common.web.body import read_body

MAX_FORM_BYTES, MAX_HEADER_CHARACTERS, REMEMBERED = 4096, 200, 20
TEXTS = {
    "name": word("Password"),
    "enter": "Log in",
    "wrong": "Wrong password. After many attempts, wait a minute before the next one.",
    "where": "The password is {setting} in the file {file} of this host.",
}


def login_routes(auth: PasswordAuth, setting: str, package: str) -> list[Route]:
    """`setting`: the one that holds the password; the login page names it, in a language of this package."""
    endpoints = _LoginEndpoints(auth, setting, package)
    return [
        Route("/login", endpoints.page),
        Route("/login", endpoints.log_in, methods=["POST"]),
        Route("/logout", endpoints.log_out, methods=["POST"]),
    ]


class _LoginEndpoints:
    def __init__(self, auth: PasswordAuth, setting: str, package: str) -> None:
        self._template = Template((resources.files("common.web") / "login.html").read_text(encoding="utf-8"))
        self._auth, self._setting, self._package = auth, setting, package
        self._in = lru_cache(maxsize=REMEMBERED)(self._filled)

    async def page(self, request: Request) -> Response:
        accepted = request.headers.get("accept-language", "")[:MAX_HEADER_CHARACTERS]
        return HTMLResponse(self._in(language_of_browser(self._package, accepted)))

    def _filled(self, language: str) -> str:
        """The page in one language."""
        said = {name: html.escape(for_browser(text, self._package, language)) for name, text in TEXTS.items()}
        codes = {"{setting}": f"<code>{html.escape(self._setting)}</code>", "{file}": "<code>.env</code>"}
        for field, code in codes.items():
            said["where"] = said["where"].replace(field, code)
        return self._template.substitute(said, language=language)

    async def log_in(self, request: Request) -> Response:
        form = parse_qs((await read_body(request, MAX_FORM_BYTES)).decode("utf-8", "replace"))
        if not self._auth.verify_password(form.get("password", [""])[0]):
            await self._auth.delay_refusal(client_address(request))
            return RedirectResponse("/login?wrong", 303)
        response = RedirectResponse("/", 303)
        token, by_tls = self._auth.create_session(), request.url.scheme == "https"
        response.set_cookie(self._auth.cookie, token, SESSION_SECONDS, secure=by_tls, httponly=True, samesite="strict")
        return response

    async def log_out(self, request: Request) -> Response:
        self._auth.end_session(request)
        response = RedirectResponse("/login" if self._auth.password_required else "/", 303)
        response.delete_cookie(self._auth.cookie)
        return response
