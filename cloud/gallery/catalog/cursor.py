"""Where a page of the gallery ended, as the browser passes it to the next request."""

import base64
import binascii
import json
from dataclasses import dataclass

from gallery.catalog.day_walker import TimePath


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ended; what follows is older."""

    time_path: TimePath
    order: tuple[str, str]

    def encode(self) -> str:
        return base64.urlsafe_b64encode(json.dumps([self.time_path, self.order]).encode()).decode()

    @classmethod
    def decode(cls, text: str) -> "Cursor":
        """Raises ValueError."""
        try:
            time_path, (at, key) = json.loads(base64.urlsafe_b64decode(text.encode()))
            return cls(tuple(str(name) for name in time_path), (str(at), str(key)))
        except (binascii.Error, ValueError, TypeError, RecursionError) as error:
            raise ValueError("The cursor is not valid.") from error
