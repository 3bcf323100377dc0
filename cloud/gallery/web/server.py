"""Where the page is, and whom it lets in."""

import os
import socket
from pathlib import Path

from common.web.auth import is_loopback
from gallery.settings import Settings

CONTAINER_PORT = 8081  # GALLERY_PORT is the host's; Compose leads from it to this


class PlaceError(Exception):
    """Why there is no page, as a sentence."""


def password(settings: Settings) -> str | None:
    """The password that whoever looks must know; None asks for none. Raises PlaceError."""
    file = settings.gallery_password_file
    given = _read(file) if file else settings.gallery_password.get_secret_value()
    if not given and not is_loopback(settings.gallery_bind):
        raise PlaceError(f"GALLERY_BIND={settings.gallery_bind} lets others look; set GALLERY_PASSWORD in .env")
    return given or None


def port_of(settings: Settings) -> int:
    return CONTAINER_PORT if settings.gallery_listen else settings.gallery_port


def listen(settings: Settings) -> socket.socket:
    """Take the port; raises PlaceError."""
    address, port = settings.gallery_listen or settings.gallery_bind, port_of(settings)
    try:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return socket.create_server((address, port), family=family, backlog=100)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)  # a name is no address
        words = "set another GALLERY_PORT or GALLERY_BIND in .env"
        raise PlaceError(f"{address}:{port} cannot be taken ({reason}); {words}") from error


def make_cache(settings: Settings) -> None:
    """Make the folder for thumbnails; raises PlaceError."""
    folder = settings.gallery_cache
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        words = "name a folder that can be written"
        raise PlaceError(f"GALLERY_CACHE={folder} cannot be made ({error.strerror}); {words}") from error


def _read(file: Path) -> str:
    try:
        given = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        words = "mend it or remove it from .env"
        raise PlaceError(f"GALLERY_PASSWORD_FILE={file} cannot be read ({reason}); {words}") from error
    if not given:
        raise PlaceError(f"GALLERY_PASSWORD_FILE={file} is empty; write the password into it")
    return given
