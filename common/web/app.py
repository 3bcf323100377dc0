"""Puts a page together: its own routes, static files, login, and the request guard in front."""

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


@dataclass(frozen=True, slots=True)
class PageFiles:
    """A page's own files: the folder `static` of a package."""

    package: str
    index: str  # the HTML file that is served as /


class RevalidatedFiles(StaticFiles):
    """Files that a browser may keep if it asks each time whether they have changed."""

    def file_response(self, *arguments: Any, **options: Any) -> Response:
        response = super().file_response(*arguments, **options)
        response.headers["cache-control"] = "no-cache"
        return response


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
    index = Path(str(resources.files(files.package))) / "static" / files.index

    async def serve_index(_: Request) -> Response:
        return FileResponse(index)

    shared = [
        Route("/", serve_index),
        *login_routes(auth, setting),
        Mount("/static", RevalidatedFiles(packages=[("common.web", "static")])),
        Mount("/page", RevalidatedFiles(packages=[(files.package, "static")])),
    ]
    guard = Middleware(
        RequestGuardMiddleware,
        auth=auth,
        public_paths=(*PUBLIC_PATHS, *public_paths),
        setting=setting,
    )
    package = files.package.partition(".")[0]
    handlers = {404: _not_found, HTTPException: refuse(package)} | dict(exception_handlers or {})
    return Starlette(routes=[*shared, *routes], middleware=[guard], exception_handlers=handlers)


async def _not_found(_: Request, __: Exception) -> Response:
    return PlainTextResponse("There is nothing here.\n", 404)
