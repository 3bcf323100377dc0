"""What every request passes: who asks, by what name, from what page; and what every answer says to the browser."""

from collections.abc import Collection

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.web.auth import PasswordAuth, is_public_hostname

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


class RequestGuardMiddleware:
    """Stands before the application: host check, cross-site check, authentication, security headers."""

    def __init__(self, app: ASGIApp, *, auth: PasswordAuth, public_paths: Collection[str], setting: str) -> None:
        """`public_paths` need no password; `setting` names the password's, for the sentence that asks for one."""
        self._app, self._auth, self._public_paths, self._setting = app, auth, frozenset(public_paths), setting

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer in its place."""
        if scope["type"] != "http":
            return  # there are no web sockets here

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        answer = self._reject(HTTPConnection(scope), scope["method"])
        await (answer or self._app)(scope, receive, send_with_headers)

    def _reject(self, request: HTTPConnection, method: str) -> Response | None:
        host = request.headers.get("host", "")
        if not self._auth.password_required and is_public_hostname(host):
            words = f"Ask for this page as http://127.0.0.1; to reach it by a name, set {self._setting} in .env.\n"
            return PlainTextResponse(words, 421)
        if method not in {"GET", "HEAD"} and _is_cross_site(request, host):
            return PlainTextResponse("This must come from the page itself.\n", 403)
        if request.url.path in self._public_paths or self._auth.is_authenticated(request):
            return None
        if request.url.path == "/":
            return RedirectResponse("/login", 303)
        return PlainTextResponse("A password is needed.\n", 401, {"www-authenticate": 'Basic realm="usbcam"'})


def _is_cross_site(request: HTTPConnection, host: str) -> bool:
    """Whether another site's page made the browser send this. Scripts send neither header."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        return site not in {"same-origin", "none"}
    return origin is not None and origin.partition("://")[2] != host
