"""What Prometheus reads, and that dashboard and alerts ask for nothing else."""

import json
import re
import shutil
import subprocess
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from common.contract.certificate_expiry import CertificateExpiry
from common.runtime.check_result import Status
from dev.harness.process import LOOPBACK, free_port, wait_for
from tests.cloud.rig import Bucket, Edge, S3Proxy, Uploaders
from tests.support.images import pictures
from tests.support.paths import ROOT
from uploader.admin.certificates import check_certificates
from uploader.service import UploaderParts
from uploader.settings import Settings

MONITORING = ROOT / "monitoring"
METRIC = re.compile(r"\b(?:usbcam|process)_\w+")
PREFIX = "usbcam_uploader_"
Samples = dict[tuple[str, str], float]


def scrape(port: int) -> Samples:
    """Return values by name, without our prefix, and by the one label that ours have."""
    with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return {
        (sample.name.removeprefix(PREFIX), next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def wait_for_sample(port: int, name: str, value: float, label: str = "") -> Samples:
    return wait_for(
        lambda: found if (found := scrape(port)).get((name, label)) == value else {},
        seconds=30,
        what=f"{name}={value}",
    )


def test_what_passes_is_counted(uploaders: Uploaders, edge: Edge, s3_proxy: S3Proxy, bucket: Bucket) -> None:
    port = free_port()
    uploaders.start_healthy(METRICS_PORT=str(port))
    payload = pictures.png(1)
    edge.send_all([payload, payload, pictures.png(2)])
    edge.send(b"nonsense")
    edge.send(pictures.png(3), pictures.properties(pictures.png(4)))  # the id is another picture's

    for name, value, label in (
        ("rejected_total", 1, "id"),
        ("rejected_total", 1, "image"),
        ("already_there_total", 1, ""),
    ):
        wait_for_sample(port, name, value, label)
    found = wait_for_sample(port, "stored_total", 2, "porch")

    assert found["messages_total", ""] == 5
    assert found["message_bytes_total", ""] >= 3 * len(payload)
    assert found["stored_bytes_total", "porch"] == len(payload) + len(pictures.png(2))
    assert found["rejected_total", "topic"] == 0
    assert found["s3_seconds_count", ""] == 5
    assert found["capture_to_stored_seconds_count", ""] == 2
    assert found["subscribed", ""] == found["bucket_available", ""] == 1
    assert found["process_resident_memory_bytes", ""] > 0
    assert abs(found["last_stored_timestamp_seconds", "porch"] - datetime.now(UTC).timestamp()) < 60

    s3_proxy.close()
    edge.send(pictures.png(5))
    unavailable = wait_for_sample(port, "bucket_available", 0)
    assert unavailable["in_flight", ""] == 1
    assert unavailable["backlog_age_seconds", ""] > 60  # since it was captured, years ago
    wait_for(lambda: scrape(port)["s3_failures_total", "unavailable"] > 0, seconds=20, what="a counted failure")
    s3_proxy.open()
    assert wait_for_sample(port, "stored_total", 3, "porch")
    idle = wait_for_sample(port, "in_flight", 0)
    assert idle["backlog_age_seconds", ""] == 0
    assert len(bucket.capture_keys()) == 3


def test_a_port_in_use_costs_no_capture_and_is_logged(
    uploaders: Uploaders, edge: Edge, bucket: Bucket, s3_proxy: S3Proxy
) -> None:
    taken = s3_proxy.endpoint.rpartition(":")[2]
    process = uploaders.start_healthy(METRICS_PORT=taken)

    edge.send(pictures.png(1))

    assert bucket.wait_for(1)
    assert f"No /metrics at 127.0.0.1:{taken}: Address already in use; fix METRICS" in process.tail(50)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> set[str]:
    """Return every metric that there is."""
    monkeypatch.chdir(tmp_path)
    settings = Settings(s3_bucket="faces", s3_endpoint_url="http://127.0.0.1:9", certificates_file=tmp_path / "none")
    registry = CollectorRegistry()
    UploaderParts(settings, registry)
    families = {family.name for family in registry.collect()}
    process = {"process_cpu_seconds_total", "process_resident_memory_bytes"}
    return {name + end for name in families for end in ("", "_total", "_bucket", "_count", "_sum")} | process


def camera_names() -> set[str]:
    """Return what a camera's metrics are called: their program is on the other half."""
    text = (ROOT / "edge" / "camera" / "control" / "metrics.py").read_text(encoding="utf-8")
    return set(re.findall(r'"(usbcam_\w+)"', text))


def test_the_dashboard_asks_for_nothing_that_is_not_there(names: set[str]) -> None:
    dashboard = json.loads((MONITORING / "grafana-cloud.json").read_text(encoding="utf-8"))
    panels = dashboard["panels"]
    asked = {name for panel in panels for target in panel["targets"] for name in METRIC.findall(target["expr"])}

    assert len({panel["id"] for panel in panels}) == len(panels) > 10
    assert all(panel["targets"] for panel in panels)
    assert len(asked) > 10
    assert asked <= names


def test_the_alerts_ask_for_nothing_that_is_not_there(names: set[str]) -> None:
    text = (MONITORING / "alerts.yml").read_text(encoding="utf-8")
    asked = {name for line in re.findall(r"expr: (.*)", text) for name in METRIC.findall(line)}

    assert len(asked) >= 7
    assert asked <= names | camera_names()


@pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool (Debian: prometheus)")
@pytest.mark.parametrize(
    "command",
    [
        ["check", "config", "prometheus.yml"],
        ["check", "rules", "alerts.yml"],
        pytest.param(["test", "rules", "alerts-test.yml"], marks=pytest.mark.long),
    ],
)
def test_prometheus_itself_reads_the_files(command: list[str]) -> None:
    done = subprocess.run(["promtool", *command], cwd=MONITORING, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_says_what_to_do_and_is_tried() -> None:
    text = (MONITORING / "alerts.yml").read_text(encoding="utf-8")
    tried = (MONITORING / "alerts-test.yml").read_text(encoding="utf-8")
    alerts = re.findall(r"- alert: (\w+)", text)

    assert len(alerts) == len(set(alerts)) == text.count("expr:") == text.count("summary:") == text.count("severity:")
    assert {name for name in alerts if name not in tried} == {"UsbcamS3Slow"}  # a histogram by hand proves little


def test_certificates_that_end_soon_are_told_by_name() -> None:
    def ends(days: float) -> datetime:
        return datetime.now(UTC) + timedelta(days=days)

    found: Any = {
        result.subject: result.status
        for result in check_certificates(
            CertificateExpiry(ends(400), {"porch": ends(20), "attic": ends(-1), "shed": ends(900)})
        )
    }

    assert found == {"edge porch": Status.WARN, "edge attic": Status.FAIL, "edges": Status.PASS}
    assert not list(check_certificates(CertificateExpiry(None, {})))
