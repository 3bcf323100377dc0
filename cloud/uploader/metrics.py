"""/metrics for Prometheus: what was counted, and how things are when it asks."""

import logging
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from uploader.health import LONGEST_SILENCE_SECONDS
from uploader.upload import Upload

LOG = logging.getLogger(__name__)


class Readings(Collector):
    """Read whenever Prometheus asks."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload

    def collect(self) -> Iterable[Metric]:
        upload = self._upload
        subscribed = upload.subscriber.problem(LONGEST_SILENCE_SECONDS) is None
        seconds = upload.outage.seconds_since_success()
        answers = upload.outage.failure is None and seconds is not None and seconds <= LONGEST_SILENCE_SECONDS
        return [
            _gauge("subscribed", "1 while the broker delivers to this uploader.", subscribed),
            _gauge("bucket_answers", "1 while the bucket takes what is put there.", answers),
            _gauge("waiting", "Messages delivered that no thread has begun.", upload.deliveries.qsize()),
            _gauge("in_flight", "Messages in hand.", upload.meter.in_flight),
            _gauge(
                "backlog_age_seconds", "Age of the oldest capture in hand; 0: none.", upload.meter.backlog_seconds()
            ),
        ]


def serve(registry: CollectorRegistry, upload: Upload, address: str, port: int) -> None:
    """Answer on a thread of its own; captures matter more, so a taken port is only said."""
    registry.register(Readings(upload))
    ProcessCollector(registry=registry)
    if port == 0:
        return
    try:
        start_http_server(port, address, registry)
    except OSError as error:
        LOG.error("No /metrics at %s:%d: %s; mend METRICS_BIND or METRICS_PORT", address, port, error)  # noqa: TRY400


def _gauge(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"usbcam_uploader_{name}", words, value)
