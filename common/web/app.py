"""Puts a page together: its own routes, static files, login, and the request guard in front."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from common.web.auth import PasswordAuth
from common.web.guard import RequestGuardMiddleware
from common.web.login import login_routes
from common.web.spoken import refuse

PUBLIC_PATHS = ("/login", "/static/")
PARTIAL_HEADERS = {"accept-ranges", "content-length"}


@dataclass(frozen=True, slots=True)
class PageFiles:
    """A page's own files: the folder `static` of a package."""

    package: str
    index: str  # the HTML file that is served as /
    pages: tuple[str, ...] = ()  # paths of other pages, which a browser opens


class RevalidatedFiles(StaticFiles):
    """Files that a browser may keep if it asks each time whether they have changed.

    They are small: to send one in parts, by a thread each, costs three times what it costs to read it.
    """

    def file_response(self, full_path: Any, *arguments: Any, **options: Any) -> Response:
        response = super().file_response(full_path, *arguments, **options)
        response.headers["cache-control"] = "no-cache"
        return _whole(response) if isinstance(response, FileResponse) else response


def create_app(
    routes: Sequence[BaseRoute],
    files: PageFiles,
    auth: PasswordAuth,
    *,
    setting: str,
    public_paths: Collection[str] = (),
    exception_handlers: Mapping[Any, Any] | None = None,
) -> Starlette:
    """Files shared by all pages are public below /static/; the page's own require the password, below /page/."""
    folder = Path(str(resources.files(files.package))) / "static"
    package = files.package.partition(".")[0]

    async def serve_index(_: Request) -> Response:
        return FileResponse(folder / files.index)

    async def serve_languages(_: Request) -> Response:
        return Response(f"export const LANGUAGES = {json.dumps(languages(folder))};\n", media_type="text/javascript")

    shared = [
        Route("/", serve_index),
        Route("/page/languages.js", serve_languages),
        *login_routes(auth, setting, package),
        Mount("/static", RevalidatedFiles(packages=[("common.web", "static")])),
        Mount("/page", RevalidatedFiles(packages=[(files.package, "static")])),
    ]
    guard = Middleware(
        RequestGuardMiddleware,
        auth=auth,
        public_paths=(*PUBLIC_PATHS, *public_paths),
        pages=("/", *files.pages),
        setting=setting,
    )
    handlers = {404: _not_found, HTTPException: refuse(package)} | dict(exception_handlers or {})
    return Starlette(routes=[*shared, *routes], middleware=[guard], exception_handlers=handlers)


def languages(folder: Path) -> list[str]:
    """The languages into which somebody translated a page: texts.de.js is there for German."""
    return sorted(file.name.split(".")[1] for file in folder.glob("texts.*.js"))


def _whole(response: FileResponse) -> Response:
    """The same answer with the file read; parts of it are not offered."""
    headers = {name: value for name, value in response.headers.items() if name not in PARTIAL_HEADERS}
    return Response(Path(response.path).read_bytes(), headers=headers)


async def _not_found(_: Request, __: Exception) -> Response:
    return PlainTextResponse("There is nothing here.\n", 404)
