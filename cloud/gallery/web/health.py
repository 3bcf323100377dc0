"""Whether the gallery works: the page answers, and so does the bucket."""

import http.client
import json
import threading
import time

from storage.errors import S3_ERRORS, classify
from storage.reader import ObjectReader

BELIEVED_SECONDS = 20.0
ANSWER_SECONDS = 20.0


class Health:
    """Asks the bucket now and then. Safe to use from several threads."""

    def __init__(self, reader: ObjectReader) -> None:
        self._reader = reader
        self._problem: str | None = None
        self._asked_at = float("-inf")
        self._lock = threading.Lock()

    def problem(self) -> str | None:
        """Why no pictures can be shown, as a sentence."""
        with self._lock:
            if time.monotonic() - self._asked_at > BELIEVED_SECONDS:
                self._problem = self._ask()
                self._asked_at = time.monotonic()
            return self._problem

    def _ask(self) -> str | None:
        try:
            self._reader.check()
        except S3_ERRORS as error:
            return classify(error, self._reader.bucket_name).message
        return None


def complaint(port: int) -> str | None:
    """Ask the running gallery on this host; None if it is well."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        well = json.loads(answer.read())["well"]
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException) as error:
        return f"the gallery does not answer at port {port}: {error}"
    finally:
        connection.close()
    return None if well else "the bucket does not answer; the page and the log say why"
