"""The gallery's URLs."""

from starlette.routing import BaseRoute, Route

from gallery.context import GalleryContext
from gallery.web.captures import CaptureEndpoints
from gallery.web.fleet import FleetEndpoints
from gallery.web.health import HealthEndpoint
from gallery.web.images import ImageEndpoints
from gallery.web.sets.deletion import DeletionEndpoint
from gallery.web.sets.endpoints import SetEndpoints
from gallery.web.sets.starring import StarEndpoint

PUBLIC_PATHS = ("/healthz",)


def routes(context: GalleryContext, *, password_required: bool) -> list[BaseRoute]:
    """What the page asks for; Starlette runs functions that are not `async` on threads of its own."""
    captures = CaptureEndpoints(context, password_required=password_required)
    images, sets = ImageEndpoints(context), SetEndpoints(context)
    fleet = FleetEndpoints(context.fleet, context.settings.certificates_file)
    return [
        Route("/healthz", HealthEndpoint(context.reader, context.receipt_feed).health),
        Route("/api/cameras", captures.cameras),
        Route("/api/captures", captures.page),
        Route("/api/counts", captures.counts),
        Route("/api/camera-counts", captures.camera_counts),
        Route("/api/oldest", captures.oldest),
        Route("/api/today", captures.today),
        Route("/api/capture", captures.one),
        Route("/api/cost", captures.cost),
        Route("/edges", fleet.page),
        Route("/api/edges", fleet.edges),
        Route("/api/fleet", fleet.summary),
        Route("/events", captures.events),
        Route("/thumbnail", images.thumbnail),
        Route("/image", images.image),
        Route("/api/link", images.link, methods=["POST"]),
        Route("/api/zip", sets.zip, methods=["POST"]),
        Route("/api/share", sets.share, methods=["POST"]),
        Route("/api/star", StarEndpoint(context).star, methods=["POST"]),
        Route("/api/delete", DeletionEndpoint(context).delete, methods=["POST"]),
    ]
