"""`uploader status`: what the running uploader counted, in a few lines, from its own /metrics."""

import time
import urllib.request
from collections.abc import Iterator

from prometheus_client.parser import text_string_to_metric_families

from common.os_error import plain_reason
from common.runtime.heartbeat import health_problem
from uploader.settings import Settings

TIMEOUT_SECONDS = 5.0
STORED, LAST_STORED = "usbcam_uploader_stored_total", "usbcam_uploader_last_stored_timestamp_seconds"
WAITING = ("usbcam_uploader_waiting", "usbcam_uploader_in_flight")
MINUTE, HOUR, DAY = 60, 3600, 86400


def describe(settings: Settings) -> Iterator[str]:
    """A line for each edge, one for what waits, and what is wrong."""
    problem = health_problem(settings.heartbeat_file, "uploader")
    if problem:
        yield f"  {problem}"
    if settings.metrics_port == 0:
        yield "  METRICS_PORT=0 hides what is stored; the gallery shows it"
        return
    try:
        samples = _samples(settings.metrics_port)
    except OSError as error:
        yield f"  the uploader does not answer: {plain_reason(error)}"
        return
    last = {labels["edge"]: value for name, labels, value in samples if name == LAST_STORED}
    for name, labels, value in samples:
        if name == STORED:
            age = time.time() - last.get(labels["edge"], time.time())
            yield f"  {labels['edge']:<14} {value:.0f} pictures stored, the last {_ago(age)}"
    if not last:
        yield "  no picture was stored since the uploader started"
    yield f"  {sum(value for name, _, value in samples if name in WAITING):.0f} captures wait at the uploader"


def _samples(port: int) -> list[tuple[str, dict[str, str], float]]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=TIMEOUT_SECONDS) as page:
        families = text_string_to_metric_families(page.read().decode())
    return [(sample.name, sample.labels, sample.value) for family in families for sample in family.samples]


def _ago(seconds: float) -> str:
    for unit, size in (("days", DAY), ("hours", HOUR), ("minutes", MINUTE)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{max(0, seconds):.0f} s ago"
