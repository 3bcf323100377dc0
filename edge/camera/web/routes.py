"""The page's addresses."""

import json
from collections.abc import Awaitable, Callable
from importlib import resources
from urllib.parse import parse_qs

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from camera.config.schedule import PAUSE, RUN
from camera.control.metrics import render
from camera.web.context import Parts
from camera.web.preview import Pictures
from camera.web.state import State, faces
from common.web.auth import SESSION_SECONDS, PasswordAuth, client_address
from common.web.guard import RequestGuardMiddleware

PUBLIC_PATHS = ("/login", "/login.js", "/live.css", "/icon.svg")
FILES = resources.files("camera.web") / "static"
TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
COMMANDS = {"pause": PAUSE, "run": RUN, "schedule": ""}
LONGEST_FORM = 4096
NOT_HERE = PlainTextResponse("There is nothing here.\n", 404)

Endpoint = Callable[[Request], Awaitable[Response]]


class App:
    """Answers what the request guard lets through."""

    def __init__(self, parts: Parts, auth: PasswordAuth) -> None:
        """`parts` of the service; `auth` knows who may look."""
        self._parts, self._auth, self._state = parts, auth, State(parts)
        self._pictures = {worker.name: Pictures(worker) for worker in parts.workers}

    def starlette(self) -> Starlette:
        """The application."""
        routes = [
            Route("/", self._file("page.html")),
            *(Route(f"/{name}", self._file(name)) for name in ("live.css", "live.js", "login.js", "icon.svg")),
            Route("/login", self._file("login.html")),
            Route("/login", self._login, methods=["POST"]),
            Route("/logout", self._logout, methods=["POST"]),
            Route("/state.json", self._tell),
            Route("/metrics", self._metrics),
            Route("/cameras/{name}/picture.jpg", self._picture),
            Route("/cameras/{name}/{command}", self._command, methods=["POST"]),
            Route("/captures/{id}", self._capture),
        ]
        return Starlette(
            routes=routes,
            middleware=[
                Middleware(RequestGuardMiddleware, auth=self._auth, public_paths=PUBLIC_PATHS, setting="LIVE_PASSWORD")
            ],
        )

    @staticmethod
    def _file(name: str) -> Endpoint:
        content, kind = (FILES / name).read_bytes(), TYPES[name.rpartition(".")[2]]

        async def answer(_: Request) -> Response:
            return Response(content, media_type=kind)

        return answer

    async def _login(self, request: Request) -> Response:
        form = await _short_body(request)
        given = parse_qs(form.decode("utf-8", "replace")).get("password", [""])[0]
        if not self._auth.verify_password(given, client_address(request)):
            return RedirectResponse("/login?wrong", 303)
        answer = RedirectResponse("/", 303)
        token, by_tls = self._auth.create_session(), request.url.scheme == "https"
        answer.set_cookie(self._auth.cookie, token, SESSION_SECONDS, secure=by_tls, httponly=True, samesite="strict")
        return answer

    async def _logout(self, request: Request) -> Response:
        self._auth.end_session(request)
        answer = RedirectResponse("/login" if self._auth.password_required else "/", 303)
        answer.delete_cookie(self._auth.cookie)
        return answer

    async def _tell(self, _: Request) -> Response:
        state = await run_in_threadpool(self._state.now)
        return JSONResponse(state | {"has_lock": self._auth.password_required})

    async def _metrics(self, _: Request) -> Response:
        text = await run_in_threadpool(render, self._parts.registry)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    async def _picture(self, request: Request) -> Response:
        """The latest picture, if it is not the one that the browser has; boxes travel beside it, so that they fit."""
        pictures = self._pictures.get(request.path_params["name"])
        latest = await run_in_threadpool(pictures.latest) if pictures else None
        if latest is None:
            return NOT_HERE
        tag = f'"{id(latest.view):x}-{latest.made_at}"'
        headers = {"etag": tag, "x-faces": json.dumps(faces(latest.view))}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(latest.jpeg, media_type="image/jpeg", headers=headers)

    async def _command(self, request: Request) -> Response:
        name, command = request.path_params["name"], COMMANDS.get(request.path_params["command"])
        if name not in self._pictures or command is None:
            return NOT_HERE
        await run_in_threadpool(self._parts.mqtt_clients[name].command, command)
        return Response(status_code=204)

    async def _capture(self, request: Request) -> Response:
        entry = self._parts.journal.find(request.path_params["id"])
        if entry is None or entry.capture is None:
            return NOT_HERE
        headers = {"cache-control": "private, max-age=3600"}  # what an id names never changes
        return Response(entry.capture.image, media_type=entry.capture.content_type, headers=headers)


async def _short_body(request: Request) -> bytes:
    """A form's body, or as much of it as makes sense."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_FORM:
            break
    return body[:LONGEST_FORM]
