"""Where a page of the gallery ended, as the browser carries it to the next."""

import base64
import binascii
import json
from dataclasses import dataclass

from gallery.catalog.day_walker import Times


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ended: what follows is older."""

    times: Times
    order: tuple[str, str]

    def text(self) -> str:
        return base64.urlsafe_b64encode(json.dumps([self.times, self.order]).encode()).decode()

    @classmethod
    def read(cls, text: str) -> "Cursor":
        """Raises ValueError."""
        try:
            times, (at, key) = json.loads(base64.urlsafe_b64decode(text.encode()))
            return cls(tuple(str(name) for name in times), (str(at), str(key)))
        except (binascii.Error, ValueError, TypeError) as error:
            raise ValueError("no cursor of ours") from error
