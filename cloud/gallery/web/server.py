"""Where the gallery's page is served."""

from common.web.server import WebServerError, WebSettings
from gallery.settings import Settings

CONTAINER_PORT = 8081  # GALLERY_PORT is the host's; Compose maps it to this one
MAX_REQUESTS = 500  # at once; later ones are told to come again
STOP_SECONDS = 2


def web_settings(settings: Settings) -> WebSettings:
    return WebSettings(
        prefix="GALLERY",
        bind=settings.gallery_bind,
        port=settings.gallery_port,
        password=settings.gallery_password,
        password_file=settings.gallery_password_file,
        container=(settings.gallery_listen, CONTAINER_PORT) if settings.gallery_listen else None,
    )


def make_cache(settings: Settings) -> None:
    """Make the folder for thumbnails; raises WebServerError."""
    folder = settings.gallery_cache
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        remedy = "name a folder that can be written"
        raise WebServerError(f"GALLERY_CACHE={folder} cannot be made ({error.strerror}); {remedy}") from error
