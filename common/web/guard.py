"""What every request must pass before the application sees it, and the security headers of every response."""

from collections.abc import Collection

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.web.auth import PasswordAuth, client_address, is_public_hostname

UNAUTHORIZED = 401
TWO_LENGTHS = ("content-length", "transfer-encoding")  # a proxy before us may have believed the other one
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


class RequestGuardMiddleware:
    """Host check, cross-site check, authentication, security headers."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        auth: PasswordAuth,
        public_paths: Collection[str],
        pages: Collection[str],
        setting: str,
    ) -> None:
        """`public_paths` need no password (a prefix if it ends with /); `setting` holds the password.

        From one of `pages` a browser without a session goes to the login page.
        """
        self._app, self._auth, self._setting, self._pages = app, auth, setting, frozenset(pages)
        self._public_paths = frozenset(public_paths)
        self._public_prefixes = tuple(path for path in public_paths if path.endswith("/"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http":
            return  # the pages use no web sockets

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        request = HTTPConnection(scope)
        refusal = self._reject(request, scope["path"])
        if refusal and refusal.status_code == UNAUTHORIZED and "authorization" in request.headers:
            await self._auth.delay_refusal(client_address(request))
        await (refusal or self._app)(scope, receive, send_with_headers)

    def _reject(self, request: HTTPConnection, path: str) -> Response | None:
        host = request.headers.get("host", "")
        if all(name in request.headers for name in TWO_LENGTHS):
            return PlainTextResponse("The request has two lengths.\n", 400, {"connection": "close"})
        if not self._auth.password_required and is_public_hostname(host):
            advice = f"Open this page as http://127.0.0.1; to open it by name, set {self._setting} in .env.\n"
            return PlainTextResponse(advice, 421)
        if _is_cross_site(request, host) and not _is_navigation(request):
            return PlainTextResponse("Only the page itself may send this request.\n", 403)
        if self._is_public(path) or self._auth.is_authenticated(request):
            return None
        if path in self._pages:
            return RedirectResponse("/login", 303)
        return PlainTextResponse(
            "A password is required.\n", UNAUTHORIZED, {"www-authenticate": 'Basic realm="usbcam"'}
        )

    def _is_public(self, path: str) -> bool:
        return path in self._public_paths or path.startswith(self._public_prefixes)


def _is_cross_site(request: HTTPConnection, host: str) -> bool:
    """Whether another site's page made the browser send this. Scripts send neither header."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        return site not in {"same-origin", "none"}
    return origin is not None and origin.partition("://")[2] != host


def _is_navigation(request: HTTPConnection) -> bool:
    """Whether the user follows a link to the page, which opens in a window of its own."""
    mode, target = request.headers.get("sec-fetch-mode"), request.headers.get("sec-fetch-dest")
    return request.scope["method"] in {"GET", "HEAD"} and (mode, target) == ("navigate", "document")
