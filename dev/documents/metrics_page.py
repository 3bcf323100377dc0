"""The reference of metrics, from the collectors themselves."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, cast

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric

from camera.control.metrics import CameraCollector
from camera.delivery.delivery_status import Bridge, DeliveryStatus
from camera.delivery.latency import DeliveryMetrics
from camera.delivery.spool import Spool
from common.contract.certificate_expiry import CertificateExpiry
from uploader.metrics import UploaderCollector, UploadMetrics

START = """# Metrics

<!-- Made by `make docs` from the code that answers Prometheus. Do not edit. -->

[Monitoring](../how-to/monitoring.md) says where to ask for them. Metrics of the process
itself, such as `process_cpu_seconds_total`, are there too.
"""
COLUMNS = "| metric | type | meaning |\n|---|---|---|"


def page() -> str:
    """Return the page about every metric."""
    return f"{START}\n## The edge\n\n{_table(edge())}\n\n## The uploader\n\n{_table(uploader())}\n"


def edge() -> list[Metric]:
    """Return what the camera answers, without values."""
    registry = CollectorRegistry()
    publisher = cast("Any", SimpleNamespace(status=DeliveryStatus(bridge=Bridge.UP)))
    with TemporaryDirectory() as folder:
        state = CameraCollector([], Spool(Path(folder), 1), publisher)
        DeliveryMetrics(registry, [])
        return [*state.collect(), *registry.collect()]


def uploader() -> list[Metric]:
    """Return what the uploader answers, without values."""
    registry = CollectorRegistry()
    UploadMetrics(registry)
    expiry = CertificateExpiry(datetime.now(UTC), {})
    state = UploaderCollector(lambda: True, lambda: True, lambda: 0, lambda: 0, lambda: 0.0, lambda: expiry)
    return [*registry.collect(), *state.collect()]


def _table(metrics: Iterable[Metric]) -> str:
    rows = [f"| `{_name(metric)}` | {metric.type} | {metric.documentation} |" for metric in metrics]
    return "\n".join([COLUMNS, *rows])


def _name(metric: Metric) -> str:
    return f"{metric.name}_total" if metric.type == "counter" else metric.name
