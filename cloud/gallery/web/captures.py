"""What the page lists: cameras, captures and their visits, the month's cost, and what is stored just now."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from common.web.spoken import SpokenJSONResponse
from gallery.catalog.day_walker import CaptureQuery, list_cameras
from gallery.context import GalleryContext
from gallery.pictures.shrinking import NoImageError
from gallery.updates.sse import capture_json, entry_json, stream
from gallery.web.query import bounds, capture_query, entry_from_query, page_size

ONE_DAY = timedelta(days=1)  # a camera's clock may be ahead


class CaptureEndpoints:
    def __init__(self, context: GalleryContext, *, password_required: bool) -> None:
        self._context, self._password_required = context, password_required
        self._stars = ThreadPoolExecutor(thread_name_prefix="stars")  # read while a page's captures are found

    def cameras(self, _: Request) -> Response:
        """The edges and cameras to choose from, and what this page may do."""
        reader, parser = self._context.reader, self._context.key_parser
        content = {
            "bucket": reader.bucket_name,
            "edges": list_cameras(reader, parser) if parser.by_day else {},
            "may_delete": self._context.may_delete,
            "password_required": self._password_required,
        }
        return JSONResponse(content)

    def page(self, request: Request) -> Response:
        """One page of captures, the newest first."""
        cursor, limit = request.query_params.get("cursor"), page_size(request)
        starred = self._stars.submit(self._context.stars.keys)
        source = self._context.stars if "starred" in request.query_params else self._context.catalog
        page = source.page(capture_query(request), cursor, limit)
        facts = self._context.metadata.facts(page.entries)
        keys = starred.result()
        captures = [
            capture_json(entry, fact) | {"starred": entry.key in keys}
            for entry, fact in zip(page.entries, facts, strict=True)
        ]
        content = {"captures": captures, "cursor": page.cursor, "note": page.note}
        return SpokenJSONResponse(content, "gallery", names=("note",))

    def counts(self, request: Request) -> Response:
        """How many visits and captures there were between each two of the times in the query."""
        query = capture_query(request)
        return JSONResponse(asdict(self._context.counter.count(bounds(request), query.edge, query.camera)))

    def camera_counts(self, request: Request) -> Response:
        """How many visits and captures each camera has in the query's time."""
        counts, complete = self._context.counter.by_camera(capture_query(request))
        return JSONResponse({"cameras": [asdict(count) for count in counts], "complete": complete})

    def oldest(self, request: Request) -> Response:
        """The day of the oldest capture, as far as keys tell."""
        day = self._context.catalog.oldest_day(capture_query(request))
        return JSONResponse({"day": day.isoformat() if day else None})

    def today(self, request: Request) -> Response:
        """How many visits there were since a time, and the last capture of all."""
        since = capture_query(request).since or datetime.now(UTC) - ONE_DAY
        ends = (since, max(since, datetime.now(UTC)) + ONE_DAY)
        counts = self._context.counter.count(ends, None, None)
        last = self._context.catalog.page(CaptureQuery(), limit=1).entries
        facts = self._context.metadata.facts(last)
        return JSONResponse({"counts": asdict(counts), "last": capture_json(last[0], facts[0]) if last else None})

    def one(self, request: Request) -> Response:
        """One capture with its metadata, and the shots of its visit."""
        context = self._context
        entry = entry_from_query(context.catalog, request)
        metadata = context.metadata.get(entry.key)
        if not metadata:
            raise NoImageError(entry.key)
        visit = [
            entry_json(shot) | {"shot": said.get("shot"), "quality": said.get("quality")}
            for shot, said in context.visits.shots_of(entry)
        ]
        (complete,) = context.metadata.with_metadata([entry])
        starred = entry.key in context.stars.keys()  # noqa: SIM118 (not a mapping)
        return JSONResponse(entry_json(complete) | {"starred": starred, "metadata": metadata, "visit": visit})

    def cost(self, _: Request) -> Response:
        self._context.cost.refresh()
        return JSONResponse(self._context.cost.estimate())

    async def events(self, _: Request) -> Response:
        """Server-sent events for as long as the page is open."""
        events = stream(self._context.receipt_feed, self._context.catalog, self._context.metadata)
        return StreamingResponse(events, media_type="text/event-stream", headers={"x-accel-buffering": "no"})
