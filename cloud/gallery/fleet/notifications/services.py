"""The services of NOTIFY_URLS: apprise supports about a hundred kinds of them."""

import hashlib
import logging
import re
from collections.abc import Sequence
from typing import Any

from gallery.fleet.notifications.message import Message

log = logging.getLogger(__name__)

SEPARATOR = re.compile(r"[\s,]+(?=[a-z][a-z0-9+]*://)")


class Services:
    """Each by an anonymous name: addresses hold tokens."""

    def __init__(self, addresses: str) -> None:
        """Addresses with spaces between them; raises ValueError for one that apprise does not support."""
        import apprise  # noqa: PLC0415 -- 50 MB, and only where NOTIFY_URLS is set

        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # its messages hold whole addresses
        self._services: dict[str, Any] = {}
        for number, address in enumerate(split(addresses), 1):
            service = apprise.Apprise.instantiate(address, suppress_exceptions=True)
            if service is None:
                raise ValueError(f"address {number} of NOTIFY_URLS is not understood; see docs/how-to/notifications.md")
            self._services[hashlib.sha256(address.encode()).hexdigest()[:8]] = service

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._services)

    def describe(self, name: str) -> str:
        """The kind of service and its host, without secrets."""
        return str(self._services[name].url(privacy=True)).partition("?")[0]

    def send(self, name: str, message: Message, body: str, picture: bytes | None) -> bool:
        """Send to one service; it may take seconds. False if it was not accepted."""
        import apprise  # noqa: PLC0415
        from apprise.attachment.memory import AttachMemory  # noqa: PLC0415

        sender = apprise.Apprise()
        sender.add(self._services[name])
        attached = None
        if picture and self._services[name].attachment_support:
            kind = "png" if picture.startswith(b"\x89PNG") else "jpeg"
            content = AttachMemory(content=picture, name=f"visit.{kind}", mimetype=f"image/{kind}")  # type: ignore[no-untyped-call]
            attached = apprise.AppriseAttachment(content)
        try:
            is_accepted = sender.notify(
                body=body,
                title=message.title,
                notify_type=message.kind.value,
                body_format=apprise.NotifyFormat.TEXT,
                attach=attached,
            )
        except Exception:  # noqa: BLE001 -- a hundred plugins of others; their messages may hold the address
            log.warning("A service of NOTIFY_URLS failed unexpectedly")
            return False
        return bool(is_accepted)


def split(addresses: str) -> Sequence[str]:
    """Separate the addresses: by spaces or commas that another address follows."""
    return [address.strip() for address in SEPARATOR.split(addresses.strip()) if address.strip()]
