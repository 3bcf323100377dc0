"""The login page and the two requests that begin and end a session."""

import html
from importlib import resources
from string import Template
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from common.web.auth import SESSION_SECONDS, PasswordAuth, client_address
from common.web.body import read_body

MAX_FORM_BYTES = 4096


def login_routes(auth: PasswordAuth, setting: str) -> list[Route]:
    """`setting`: the one that holds the password; the login page names it."""
    endpoints = _LoginEndpoints(auth, setting)
    return [
        Route("/login", endpoints.page),
        Route("/login", endpoints.log_in, methods=["POST"]),
        Route("/logout", endpoints.log_out, methods=["POST"]),
    ]


class _LoginEndpoints:
    def __init__(self, auth: PasswordAuth, setting: str) -> None:
        template = Template((resources.files("common.web") / "login.html").read_text(encoding="utf-8"))
        self._auth, self._page = auth, template.substitute(setting=html.escape(setting))

    async def page(self, _: Request) -> Response:
        return HTMLResponse(self._page)

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
