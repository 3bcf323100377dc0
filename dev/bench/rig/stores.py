"""Where objects go in a bench: a real S3 server, or one that keeps nothing. Both count what they accepted."""

import re
import sys
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dev.harness.process import LOOPBACK, Process, free_port, start, until_up
from dev.harness.services import ROOT, make_bucket, start_store

ACCESS_KEY, SECRET_KEY = "usbcam-bench", "usbcam-bench-secret"


@dataclass(frozen=True, slots=True)
class Store:
    """An S3 server on this machine with one fresh bucket."""

    process: Process
    port: int
    metrics_port: int
    bucket: str
    count_in: Callable[[str, str], int]  # metrics, bucket

    @property
    def endpoint(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def settings(self) -> dict[str, str]:
        """The settings of the uploader and its peers."""
        return {
            "S3_ENDPOINT_URL": self.endpoint,
            "S3_BUCKET": self.bucket,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def stored(self) -> int:
        """How many objects the bucket has been given."""
        with urllib.request.urlopen(f"http://{LOOPBACK}:{self.metrics_port}/metrics", timeout=10) as answer:
            return self.count_in(answer.read().decode(), self.bucket)


def real(folder: Path) -> Store:
    """SeaweedFS, as in the demo and the tests."""
    port, metrics_port = free_port(), free_port()
    options = [f"-metricsPort={metrics_port}", f"-metricsIp={LOOPBACK}"]
    process = start_store(folder, port=port, access_key=ACCESS_KEY, secret_key=SECRET_KEY, options=options)
    bucket = f"bench-{uuid.uuid4().hex[:8]}"
    make_bucket(f"http://{LOOPBACK}:{port}", ACCESS_KEY, SECRET_KEY, bucket)
    return Store(process, port, metrics_port, bucket, _puts)


def with_latency(folder: Path, delay_seconds: float = 0.0) -> Store:
    """A store that answers after that time, whatever it is given, and keeps nothing."""
    port = free_port()
    command = [sys.executable, str(ROOT / "dev" / "bench" / "rig" / "latency_store.py"), str(port), str(delay_seconds)]
    process = start("latency-store", command, folder, {})
    store = Store(process, port, port, "bench", lambda metrics, _bucket: int(metrics))
    until_up(process, lambda: _answers(store))
    return store


def _answers(store: Store) -> bool:
    try:
        return store.stored() == 0
    except OSError:
        return False


def _puts(metrics: str, bucket: str) -> int:
    found = re.search(rf'SeaweedFS_s3_request_total{{bucket="{bucket}",code="200",type="PUT"}} (\S+)', metrics)
    return int(float(found[1])) if found else 0
