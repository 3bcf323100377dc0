"""How a process logs: one format, in UTC; crashed threads are logged, repeated messages are not."""

import logging
import threading
from collections.abc import Callable
from time import gmtime, monotonic

FORMAT = "%(asctime)s %(levelname)s %(message)s"
DATE_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
CHATTY = (
    "apprise",
    "requests",
    "botocore",
    "boto3",
    "urllib3",
    "PIL",
    "s3transfer",
)  # libraries that log what we say better

SILENCE_SECONDS = 60.0
MAX_REMEMBERED = 50

log = logging.getLogger(__name__)


def configure(level: str, on_thread_crash: Callable[[], None] | None = None) -> None:
    """Set up the log. `on_thread_crash` is called after a crash is logged."""
    logging.Formatter.converter = gmtime
    # What FORMAT does not say is not looked up for each line; these switches are the logging HOWTO's.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # noqa: SLF001
    logging.basicConfig(level=level, format=FORMAT, datefmt=DATE_FORMAT)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR)
    threading.excepthook = lambda crash: _log_crash(crash, on_thread_crash)


def _log_crash(crash: threading.ExceptHookArgs, on_thread_crash: Callable[[], None] | None) -> None:
    name = crash.thread.name if crash.thread else "unknown"
    log.critical("The thread %s crashed", name, exc_info=crash.exc_value)
    if on_thread_crash:
        on_thread_crash()


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
    for added in filters:
        logger.addFilter(added)
    return logger
