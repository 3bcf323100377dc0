"""What the page lists: cameras, captures and their visits, the month's cost, and what is stored just now."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from gallery.catalog.day_walker import list_cameras
from gallery.context import GalleryContext
from gallery.updates.sse import entry_json, stream
from gallery.web.query import capture_query, entry_from_query


class CaptureEndpoints:
    def __init__(self, context: GalleryContext, *, password_required: bool) -> None:
        self._context, self._password_required = context, password_required

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
        page = self._context.catalog.page(capture_query(request), request.query_params.get("cursor"))
        captures = [entry_json(entry) for entry in page.entries]
        return JSONResponse({"captures": captures, "cursor": page.cursor, "note": page.note})

    def poor(self, request: Request) -> Response:
        """Which captures of a page are poor, or whether the one of a key is, and why. Their keys do not tell."""
        context, query = self._context, request.query_params
        if "key" in query:
            entries = [entry_from_query(context.catalog, request)]
        else:
            entries = list(context.catalog.page(capture_query(request), query.get("cursor")).entries)
        described = zip(entries, context.metadata.get_many(entries), strict=True)
        return JSONResponse({"poor": {entry.key: found["poor"] for entry, found in described if found.get("poor")}})

    def one(self, request: Request) -> Response:
        """One capture with its metadata, and the shots of its visit."""
        context = self._context
        entry = entry_from_query(context.catalog, request)
        visit = [
            entry_json(shot) | {"shot": metadata.get("shot"), "quality": metadata.get("quality")}
            for shot, metadata in context.visits.shots_of(entry)
        ]
        metadata = context.metadata.get(entry.key)
        (complete,) = context.metadata.with_metadata([entry])
        return JSONResponse(entry_json(complete) | {"metadata": metadata, "visit": visit})

    def cost(self, _: Request) -> Response:
        return JSONResponse(self._context.cost.estimate())

    async def events(self, _: Request) -> Response:
        """Server-sent events for as long as the page is open."""
        events = stream(self._context.receipt_feed, self._context.catalog, self._context.metadata)
        return StreamingResponse(events, media_type="text/event-stream", headers={"x-accel-buffering": "no"})
