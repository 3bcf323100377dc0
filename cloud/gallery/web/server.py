"""Serves the gallery's page."""

from common.web.app import PageFiles, create_app
from common.web.auth import PasswordAuth
from common.web.server import LowWakeupServer, WebSettings, create_server
from gallery.context import GalleryContext
from gallery.health_check import CONTAINER_PORT
from gallery.settings import Settings
from gallery.web.errors import exception_handlers
from gallery.web.routes import PUBLIC_PATHS, routes

FILES = PageFiles("gallery.web", "gallery.html", pages=("/edges",))
MAX_REQUESTS = 500  # at once; later ones are told to come again
STOP_SECONDS = 2


def web_settings(settings: Settings) -> WebSettings:
    return WebSettings(
        prefix="GALLERY",
        bind=settings.gallery_bind,
        port=settings.gallery_port,
        password=settings.gallery_password,
        password_file=settings.gallery_password_file,
        trusted_proxy=settings.gallery_trusted_proxy,
        container=(settings.gallery_listen, CONTAINER_PORT) if settings.gallery_listen else None,
    )


def gallery_server(context: GalleryContext, auth: PasswordAuth) -> LowWakeupServer:
    """The server of the page; it runs until SIGTERM or SIGINT."""
    app = create_app(
        routes(context, password_required=auth.password_required),
        FILES,
        auth,
        setting=web_settings(context.settings).password_setting,
        public_paths=PUBLIC_PATHS,
        exception_handlers=exception_handlers(context),
    )
    return create_server(
        app,
        max_requests=MAX_REQUESTS,
        stop_seconds=STOP_SECONDS,
        trusted_proxy=context.settings.gallery_trusted_proxy,
        always_served=PUBLIC_PATHS,
    )
