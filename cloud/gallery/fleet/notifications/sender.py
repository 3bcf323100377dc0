"""Sends messages to the services, with the picture of a visit attached or a link to it that expires."""

import logging
from datetime import timedelta
from typing import Literal

from gallery.fleet.notifications.message import Message
from gallery.fleet.notifications.services import Services
from storage.errors import S3_ERRORS
from storage.presign import PresignError, presign
from storage.reader import ObjectReader
from storage.settings import StorageSettings

log = logging.getLogger(__name__)

LINK_EXPIRY = timedelta(days=1)
MAX_ATTACHED_BYTES = 4_000_000  # what most services take; a larger picture becomes a link

Picture = Literal["attach", "link", "none"]


class MessageSender:
    """For one thread."""

    def __init__(self, services: Services, reader: ObjectReader, settings: StorageSettings, picture: Picture) -> None:
        self._services, self._reader, self._settings, self._picture = services, reader, settings, picture

    @property
    def names(self) -> tuple[str, ...]:
        return self._services.names

    def send(self, name: str, message: Message) -> bool:
        """Send to one service; a picture that cannot be had holds up no message."""
        picture = self._attached(message.key) if message.key and self._picture == "attach" else None
        body = message.body
        if message.key and picture is None and self._picture != "none":
            body += self._link(message.key)
        return self._services.send(name, message, body, picture)

    def _attached(self, key: str) -> bytes | None:
        try:
            content = self._reader.read(key).body
        except S3_ERRORS:
            return None
        return content if len(content) <= MAX_ATTACHED_BYTES else None

    def _link(self, key: str) -> str:
        try:
            return f"\n{presign(self._settings, key, LINK_EXPIRY).url}"
        except (PresignError, *S3_ERRORS):
            return ""
