"""How a process logs."""

import logging
import threading
from time import monotonic

SILENCE_SECONDS = 60.0
MAX_REMEMBERED = 50


class RepeatFilter(logging.Filter):
    """Drops messages that were logged within the last minute, even if several alternate."""

    def __init__(self) -> None:
        super().__init__()
        self._logged_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def is_repeat(self, message: str) -> bool:
        """Whether the message would be dropped now."""
        return monotonic() - self._logged_at.get(message, -SILENCE_SECONDS) < SILENCE_SECONDS

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        with self._lock:
            if self.is_repeat(message):
                return False
            if len(self._logged_at) >= MAX_REMEMBERED:
                self._logged_at.clear()
            self._logged_at[message] = monotonic()
            return True


def filtered_logger(parent: logging.Logger, *filters: logging.Filter) -> logging.Logger:
    """A logger for one object, whose filters do not affect anyone else who logs under the same name."""
    logger = logging.Logger(parent.name)  # noqa: LOG001 (on purpose not the shared one)
    logger.parent = parent
    for each in filters:
        logger.addFilter(each)
    return logger
