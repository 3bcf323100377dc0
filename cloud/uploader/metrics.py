"""/metrics for Prometheus: what was counted, and how things are when it asks."""

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from common.contract.certificate_expiry import read
from common.runtime.heartbeat import LONGEST_SILENCE_SECONDS
from uploader.worker import Upload

LOG = logging.getLogger(__name__)


class Readings(Collector):
    """Read whenever Prometheus asks."""

    def __init__(self, upload: Upload, certificates_file: Path) -> None:
        self._upload = upload
        self._certificates_file = certificates_file

    def collect(self) -> Iterable[Metric]:
        yield from self._states()
        yield self._certificates()

    def _states(self) -> Iterator[Metric]:
        upload = self._upload
        subscribed = upload.subscriber.problem(LONGEST_SILENCE_SECONDS) is None
        seconds = upload.outage.seconds_since_success()
        answers = upload.outage.failure is None and seconds is not None and seconds <= LONGEST_SILENCE_SECONDS
        age = upload.meter.backlog_seconds()
        yield _gauge("subscribed", "1 while the broker delivers to this uploader.", subscribed)
        yield _gauge("bucket_answers", "1 while the bucket takes what is put there.", answers)
        yield _gauge("waiting", "Messages delivered that no thread has begun.", upload.deliveries.qsize())
        yield _gauge("in_flight", "Messages in hand.", upload.meter.in_flight)
        yield _gauge("backlog_age_seconds", "Age of the oldest capture in hand; 0: none.", age)

    def _certificates(self) -> Metric:
        words = "When the broker's or an edge's certificate ends."
        family = GaugeMetricFamily("usbcam_certificate_end_timestamp_seconds", words, labels=["whose"])
        certificates = read(self._certificates_file)
        if certificates.broker is not None:
            family.add_metric(["broker"], certificates.broker.timestamp())
        for name, ends in certificates.edges.items():
            family.add_metric([f"edge {name}"], ends.timestamp())
        return family


def serve(registry: CollectorRegistry, address: str, port: int) -> None:
    """Answer on a thread of its own; captures matter more, so a taken port is only said."""
    ProcessCollector(registry=registry)
    if port == 0:
        return
    try:
        start_http_server(port, address, registry)
    except OSError as error:
        LOG.error("No /metrics at %s:%d: %s; mend METRICS_BIND or METRICS_PORT", address, port, error)  # noqa: TRY400


def _gauge(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"usbcam_uploader_{name}", words, value)
