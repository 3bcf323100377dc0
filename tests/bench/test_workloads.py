"""The workloads of the bench: brokers let them in, and images arrive. REALITY=1 runs each as a person does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dev.bench import __main__ as bench
from dev.bench.rig import stores
from dev.bench.workloads import bridge, endtoend, uploader
from tests.support.paths import ROOT

WHOLE = pytest.mark.skipif(os.environ.get("REALITY") != "1", reason="each takes minutes: REALITY=1 runs them")


@pytest.fixture(autouse=True)
def cheap_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that keeps nothing in the place of SeaweedFS, and as little as can be of all the rest."""
    monkeypatch.setattr(stores, "real", stores.with_latency)
    monkeypatch.setattr(endtoend, "RATES", {10: 0.2})
    monkeypatch.setattr(endtoend, "BACKLOG", 3)
    monkeypatch.setattr(bridge, "IMAGES", 20)
    monkeypatch.setattr(bridge, "RATE_SECONDS", 0.1)
    monkeypatch.setattr(uploader, "WARM", 0)
    monkeypatch.setattr(uploader, "SECONDS", 60.0)  # it ends with the last image


def test_captures_of_endtoend_are_stored_and_get_their_receipts(tmp_path: Path) -> None:
    with endtoend.running_cloud(tmp_path) as cloud:
        stored = endtoend.steady(tmp_path, cloud, 10)
        drained = endtoend.drain(tmp_path, cloud)

    assert stored["p50 ms"] > 0
    assert drained["captures/s"] > 0


def test_images_cross_by_the_relay(tmp_path: Path) -> None:
    assert bridge.speed_of(tmp_path, 8, by_relay=True)["images/s"] > 0


def test_what_waits_at_the_broker_is_stored_and_a_peer_may_wait_for_it_too(tmp_path: Path) -> None:
    store = stores.with_latency(tmp_path / "store")
    try:
        assert uploader.ours(uploader.Trial(tmp_path / "ours", store, 8, 60))["images/s"] > 0
        with uploader.Trial(tmp_path / "peer", store, 8, 1).queue("naive-callback") as port:
            assert port
    finally:
        store.process.kill()


@WHOLE
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", bench.NAMES)
def test_a_short_look_at_each_bench_leaves_out_nothing_but_what_is_not_installed(name: str) -> None:
    command = [sys.executable, "-m", "dev.bench", name]
    environment = os.environ | {"QUICK": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    left_out = [line for line in done.stdout.splitlines() if "left out" in line]
    assert [line for line in left_out if "install" not in line] == []
