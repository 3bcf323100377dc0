"""The live page's URLs."""

import json

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from camera.config.polygons import parse_polygons, polygons_of
from camera.config.schedule import PAUSE, RUN
from camera.control.metrics import render
from camera.pipeline.worker import CameraWorker
from camera.sources.privacy_mask import saved_polygons
from camera.web.context import WebContext
from camera.web.preview import PreviewCache
from camera.web.state import StateView, boxes_json
from common.web.body import read_body
from common.web.spoken import SpokenJSONResponse

MAX_BODY_BYTES = 262_144
COMMANDS = {"pause": PAUSE, "run": RUN, "schedule": ""}


def routes(context: WebContext, *, password_required: bool) -> list[BaseRoute]:
    """What the page asks for; Starlette runs these functions on threads of its own."""
    endpoints = _Endpoints(context, password_required=password_required)
    return [
        Route("/state.json", endpoints.state),
        Route("/metrics", endpoints.metrics),
        Route("/cameras/{name}/preview.jpg", endpoints.preview),
        Route("/cameras/{name}/mask", endpoints.mask, methods=["POST"]),
        Route("/cameras/{name}/masks", endpoints.masks),
        Route("/cameras/{name}/masks", endpoints.replace_masks, methods=["POST"]),
        Route("/cameras/{name}/{command}", endpoints.command, methods=["POST"]),
        Route("/captures/{id}", endpoints.capture),
    ]


class _Endpoints:
    def __init__(self, context: WebContext, *, password_required: bool) -> None:
        self._context, self._password_required = context, password_required
        self._state = StateView(context)
        self._previews = {worker.name: PreviewCache(worker) for worker in context.workers}

    def state(self, _: Request) -> Response:
        state = self._state.read() | {"password_required": self._password_required}
        return SpokenJSONResponse(state, "camera")

    def metrics(self, _: Request) -> Response:
        return Response(render(self._context.registry), media_type=CONTENT_TYPE_LATEST)

    def preview(self, request: Request) -> Response:
        """The latest image unless the browser has it; the boxes travel as a header, so that they fit the image."""
        cache = self._previews.get(request.path_params["name"])
        image = cache.latest() if cache else None
        if image is None:
            raise HTTPException(404)
        headers = {"etag": image.etag, "x-faces": json.dumps(boxes_json(image.preview))}
        if request.headers.get("if-none-match") == image.etag:
            return Response(status_code=304, headers=headers)
        return Response(image.jpeg, media_type="image/jpeg", headers=headers)

    def mask(self, request: Request) -> Response:
        """Make masks of the faces that never move."""
        worker = self._worker(request)
        try:
            return JSONResponse({"masked": worker.mask_still_faces()})
        except OSError as error:
            raise HTTPException(507, f"SPOOL_DIR cannot be written: {error.strerror}.") from error

    def masks(self, request: Request) -> Response:
        """What is masked: by MASKS, and by what was drawn on the page."""
        settings = self._worker(request).settings
        return JSONResponse({"fixed": parse_polygons(settings.masks), "drawn": saved_polygons(settings)})

    async def replace_masks(self, request: Request) -> Response:
        """Take over what was drawn: {"polygons": [[[x, y], ...], ...]}, in shares of the frame."""
        worker = self._worker(request)
        try:
            polygons = polygons_of(json.loads(await read_body(request, MAX_BODY_BYTES))["polygons"])
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
            problem = "The masks must be polygons of at least 3 corners within the picture."
            raise HTTPException(400, problem) from error
        try:
            await run_in_threadpool(worker.replace_masks, polygons)
        except OSError as error:
            raise HTTPException(507, f"SPOOL_DIR cannot be written: {error.strerror}.") from error
        return Response(status_code=204)

    def command(self, request: Request) -> Response:
        name, command = request.path_params["name"], COMMANDS.get(request.path_params["command"])
        if name not in self._previews or command is None:
            raise HTTPException(404)
        self._context.mqtt_clients[name].command(command)
        return Response(status_code=204)

    def _worker(self, request: Request) -> CameraWorker:
        found = next((each for each in self._context.workers if each.name == request.path_params["name"]), None)
        if found is None:
            raise HTTPException(404)
        return found

    def capture(self, request: Request) -> Response:
        record = self._context.history.find(request.path_params["id"])
        if record is None or record.capture is None:
            raise HTTPException(404)
        headers = {"cache-control": "private, max-age=3600"}  # an id always names the same image
        return Response(record.capture.image, media_type=record.capture.content_type, headers=headers)
