"""What Prometheus is told."""

import json
import re
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from camera.config.settings import Settings
from camera.control.metrics import render
from camera.delivery.events import CaptureState
from camera.delivery.latency import DeliveryMetrics
from camera.service import CameraService
from common.contract.capture import Capture
from tests.support.paths import ROOT

METRIC = re.compile(r"\b(?:usbcam|process)_\w+")


def samples(registry: CollectorRegistry) -> dict[tuple[str, str], float]:
    """Value by name and camera."""
    return {
        (sample.name, sample.labels.get("camera", "")): sample.value
        for family in text_string_to_metric_families(render(registry).decode())
        for sample in family.samples
        if "le" not in sample.labels
    }


@pytest.fixture
def service(tmp_path: Path) -> CameraService:
    """Two cameras that have not started."""
    front = Settings(camera_name="front", camera_source="demo", spool_dir=tmp_path)
    return CameraService((front, front.model_copy(update={"camera_name": "porch"})), threading.Event())


def test_every_camera_has_its_own_counts(service: CameraService) -> None:
    front, porch = service.workers
    front.counters.captured, porch.counters.faces = 3, 7
    front.counters.rejected["blurred"] = 2

    found = samples(service.registry)

    assert found["usbcam_captures_total", "front"] == 3
    assert found["usbcam_captures_total", "porch"] == 0
    assert found["usbcam_faces_total", "porch"] == 7
    assert found["usbcam_faces_rejected_total", "front"] == 2
    assert found["usbcam_camera_up", "front"] == 0
    assert found["usbcam_spool_limit_bytes", ""] == 2_048_000_000
    assert found["process_cpu_seconds_total", ""] > 0


def test_the_time_to_the_receipt_is_taken_once(make_capture: Callable[[int], Capture]) -> None:
    registry, capture = CollectorRegistry(), make_capture(1)
    metrics = DeliveryMetrics(registry, ["porch"])

    for _ in range(2):  # sent again after a while
        metrics.on_published(capture)
        metrics.on_acknowledged(capture.id)
    for _ in range(2):  # and so answered twice
        metrics.on_completed(capture.id, CaptureState.STORED, "porch/1.png")

    found = samples(registry)
    assert found["usbcam_publish_seconds_count", "porch"] == 1
    assert found["usbcam_receipt_seconds_count", "porch"] == 1
    assert found["usbcam_stored_total", "porch"] == 1


def test_a_rejected_capture_is_no_stored_one(make_capture: Callable[[int], Capture]) -> None:
    registry, capture = CollectorRegistry(), make_capture(1)
    metrics = DeliveryMetrics(registry, ["porch"])

    metrics.on_published(capture)
    metrics.on_completed(capture.id, CaptureState.REJECTED, "no image")

    found = samples(registry)
    assert found["usbcam_rejected_total", "porch"] == 1
    assert found["usbcam_stored_total", "porch"] == 0
    assert found["usbcam_receipt_seconds_count", "porch"] == 0  # there before anything was stored


def test_the_dashboard_asks_for_nothing_that_is_not_there(service: CameraService) -> None:
    dashboard = json.loads((ROOT / "monitoring" / "grafana-edge.json").read_text(encoding="utf-8"))
    families = text_string_to_metric_families(render(service.registry).decode())
    names = {family.name for family in families} | {"usbcam_bridge_up"}  # which is there once the bridge has said so
    there = {name + end for name in names for end in ("", "_total", "_bucket")}

    panels = dashboard["panels"]
    asked = {name for panel in panels for target in panel["targets"] for name in METRIC.findall(target["expr"])}

    assert len({panel["id"] for panel in panels}) == len(panels) > 10
    assert asked
    assert asked <= there
