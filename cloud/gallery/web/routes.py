"""The page's addresses."""

import functools
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from botocore.exceptions import ClientError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from common.web.app import PageFiles, create_app
from common.web.auth import PasswordAuth
from common.web.body import read_body
from gallery.catalog.day_walker import CaptureQuery, TooManyBranchesError, list_cameras
from gallery.catalog.entry import CatalogEntry
from gallery.context import GalleryContext
from gallery.thumbnails import NoImageError
from gallery.updates.sse import entry_json, stream
from gallery.web.health import Health
from storage.errors import S3_ERRORS, classify, http_status
from storage.presign import PresignError, parse_duration, presign
from storage.reader import ListedObject

FILES = PageFiles("gallery.web", "gallery.html")
IMAGES = ("image/png", "image/jpeg")
A_WHILE = {"cache-control": "private, max-age=3600"}  # what a key names is never written again, but it may be deleted
MAX_BODY_BYTES = 262_144
MOST_DELETED = 200  # pictures, by one press
NOT_FOUND = 404
FIRST_YEAR, LAST_YEAR = 1970, 9000  # what is near the ends of the calendar cannot be reckoned with
DENIED = ("AccessDenied", "403")

Answer = Callable[[Request], Response]


class App:
    """Answers what the request guard lets through."""

    def __init__(self, context: GalleryContext, auth: PasswordAuth, health: Health) -> None:
        """`auth` knows who may look."""
        self._context, self._auth, self._health = context, auth, health

    def starlette(self) -> Starlette:
        """The application."""
        routes = [
            Route("/healthz", self._tell_health),
            Route("/api/places", _careful(self._places)),
            Route("/api/captures", _careful(self._captures)),
            Route("/api/picture", _careful(self._noticing(self._picture))),
            Route("/api/cost", _careful(self._cost)),
            Route("/api/link", _careful(self._link), methods=["POST"]),
            Route("/api/delete", self._delete, methods=["POST"]),
            Route("/thumbnail", _careful(self._noticing(self._thumbnail))),
            Route("/image", _careful(self._noticing(self._image))),
            Route("/events", self._events),
        ]
        return create_app(
            routes,
            FILES,
            self._auth,
            setting="GALLERY_PASSWORD",
            public_paths=("/healthz",),
        )

    async def _tell_health(self, _: Request) -> Response:
        problem = await run_in_threadpool(self._health.problem)
        return JSONResponse({"well": problem is None}, 503 if problem else 200)

    # What there is

    def _places(self, _: Request) -> Response:
        """What can be chosen, and what may be done."""
        context = self._context
        edges = list_cameras(context.reader, context.key_parser) if context.key_parser.by_day else {}
        may = {"may_delete": context.may_delete, "has_lock": self._auth.password_required}
        return JSONResponse({"bucket": context.reader.bucket_name, "edges": edges} | may)

    def _captures(self, request: Request) -> Response:
        page = self._context.catalog.page(_wanted(request), request.query_params.get("cursor"))
        content = {
            "pictures": [entry_json(picture) for picture in page.entries],
            "cursor": page.cursor,
            "note": page.note,
        }
        return JSONResponse(content)

    def _picture(self, request: Request) -> Response:
        """One picture, what is known about it, and the other shots of its visit."""
        picture = self._known(request)
        visit = self._context.visits.shots_of(picture)
        metadata = self._context.metadata.get(picture.key)
        shots = [
            entry_json(shot) | {"shot": known.get("shot"), "quality": known.get("quality")} for shot, known in visit
        ]
        (complete,) = self._context.metadata.with_metadata([picture])
        return JSONResponse(entry_json(complete) | {"metadata": metadata, "visit": shots})

    def _cost(self, _: Request) -> Response:
        return JSONResponse(self._context.cost.estimate())

    def _thumbnail(self, request: Request) -> Response:
        key = self._known(request).key
        return Response(self._context.thumbnails.get(key), media_type="image/jpeg", headers=A_WHILE)

    def _image(self, request: Request) -> Response:
        picture = self._known(request)
        content = self._context.reader.read(picture.key)
        if content.content_type not in IMAGES:
            raise NoImageError(content.content_type)
        name = picture.key.rpartition("/")[2].encode("ascii", "replace").decode().replace('"', "'")
        how = "attachment" if "download" in request.query_params else "inline"
        headers = A_WHILE | {"content-disposition": f'{how}; filename="{name}"'}
        return Response(content.body, media_type=content.content_type, headers=headers)

    async def _events(self, _: Request) -> Response:
        events = stream(self._context.receipt_feed, self._context.catalog, self._context.metadata)
        return StreamingResponse(events, media_type="text/event-stream", headers={"x-accel-buffering": "no"})

    # What may be done

    def _link(self, request: Request) -> Response:
        expires = parse_duration(request.query_params.get("expires", "7d"))
        made = presign(self._context.settings, self._known(request).key, expires)
        until = made.expires_at.astimezone(UTC).isoformat(timespec="seconds")
        return JSONResponse({"url": made.url, "until": until, "note": made.note})

    async def _delete(self, request: Request) -> Response:
        if not self._context.may_delete:
            return _problem("Nothing may be deleted here: GALLERY_DELETE is off.", 403)
        try:
            keys = [str(key) for key in json.loads(await read_body(request, MAX_BODY_BYTES))["keys"]]
        except (ValueError, TypeError, KeyError):
            return _problem("This must be JSON with keys.", 400)
        if not keys or len(keys) > MOST_DELETED or not all(self._is_ours(key) for key in keys):
            return _problem("These are no pictures of ours.", 400)
        return await run_in_threadpool(_guarded, functools.partial(self._drop, keys), self._context.reader.bucket_name)

    def _drop(self, keys: list[str]) -> Response:
        try:
            self._context.reader.delete(keys)
        except ClientError as error:
            if error.response["Error"]["Code"] not in DENIED:
                raise
            return _problem(
                f"The credentials may not delete in {self._context.reader.bucket_name}: allow s3:DeleteObject.", 502
            )
        for key in keys:
            self._context.catalog.mark_missing(key)
        return JSONResponse({"deleted": len(keys)})

    def _noticing(self, answer: Answer) -> Answer:
        """The same, forgetting a picture that turns out to be gone."""

        def noticing(request: Request) -> Response:
            try:
                return answer(request)
            except ClientError as error:
                if _is_gone(error):
                    self._context.catalog.mark_missing(self._known(request).key)
                raise

        return noticing

    def _known(self, request: Request) -> CatalogEntry:
        """The picture that a request names; whatever else is in the bucket is not shown."""
        key = request.query_params.get("key", "")
        picture = self._context.catalog.entry(ListedObject(key, 0, datetime.now(UTC)))
        if picture is None:
            raise NoImageError(key)
        return picture

    def _is_ours(self, key: str) -> bool:
        return self._context.catalog.entry(ListedObject(key, 0, datetime.now(UTC))) is not None


def _careful(answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    """Ask on another thread, and say in a sentence what went wrong."""

    async def carefully(request: Request) -> Response:
        bucket = request.app.state.bucket
        return await run_in_threadpool(_guarded, functools.partial(answer, request), bucket)

    return carefully


def _guarded(answer: Callable[[], Response], bucket: str) -> Response:
    try:
        return answer()
    except NoImageError:
        return PlainTextResponse("There is no such picture.\n", NOT_FOUND)
    except (PresignError, TooManyBranchesError, ValueError) as error:
        return _problem(str(error), 400)
    except S3_ERRORS as error:
        if isinstance(error, ClientError) and _is_gone(error):
            return PlainTextResponse("There is no such picture.\n", NOT_FOUND)
        return _problem(classify(error, bucket).message, 502)


def _is_gone(error: ClientError) -> bool:
    """Whether an object is not there, rather than the bucket."""
    return http_status(error) == NOT_FOUND and error.operation_name != "ListObjectsV2"


def _problem(sentence: str, code: int) -> Response:
    return JSONResponse({"problem": sentence}, code)


def _wanted(request: Request) -> CaptureQuery:
    """Raises ValueError."""
    given = request.query_params
    return CaptureQuery(
        given.get("edge") or None, given.get("camera") or None, _moment(given, "from"), _moment(given, "to")
    )


def _moment(given: Mapping[str, str], name: str) -> datetime | None:
    if not given.get(name):
        return None
    try:
        moment = datetime.fromisoformat(given[name])
    except ValueError as error:
        raise ValueError(f"{name} must be a time, such as 2026-11-22T00:00:00Z.") from error
    if moment.tzinfo is None:
        raise ValueError(f"{name} must tell its time zone, such as 2026-11-22T00:00:00Z.")
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"{name} must be of the years {FIRST_YEAR} to {LAST_YEAR}.")
    return moment
