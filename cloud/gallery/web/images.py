"""Images: as they are stored, as thumbnails, and as links that work without the gallery."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gallery.context import GalleryContext
from gallery.pictures.shrinking import NoImageError
from gallery.web.query import entry_from_query
from storage.presign import DEFAULT_EXPIRY, parse_duration, presign

ONE_HOUR = {"cache-control": "private, max-age=3600"}  # a key's image never changes, but it may be deleted


class ImageEndpoints:
    def __init__(self, context: GalleryContext) -> None:
        self._context = context

    def thumbnail(self, request: Request) -> Response:
        entry = entry_from_query(self._context.catalog, request)
        return Response(self._context.thumbnails.get(entry.key), media_type="image/jpeg", headers=ONE_HOUR)

    def image(self, request: Request) -> Response:
        """The image as it was stored; with `download` in the query the browser saves it."""
        entry = entry_from_query(self._context.catalog, request)
        content = self._context.reader.read(entry.key)
        if not content.is_capture:
            raise NoImageError(content.content_type)
        disposition = "attachment" if "download" in request.query_params else "inline"
        headers = ONE_HOUR | {"content-disposition": f'{disposition}; filename="{_file_name(entry.key)}"'}
        return Response(content.body, media_type=content.content_type, headers=headers)

    def link(self, request: Request) -> Response:
        """A presigned URL."""
        expires = parse_duration(request.query_params.get("expires", DEFAULT_EXPIRY))
        entry = entry_from_query(self._context.catalog, request)
        link = presign(self._context.settings, entry.key, expires)
        if not self._context.reader.is_capture(entry.key):
            raise NoImageError(entry.key)
        return JSONResponse(link.to_json())


def _file_name(key: str) -> str:
    return key.rpartition("/")[2].encode("ascii", "replace").decode().replace('"', "'")
