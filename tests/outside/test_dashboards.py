"""Every expression of the dashboards and alerts, asked of a real Prometheus that watches the running product."""

import json
import re
import shutil
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from dev.harness.process import start, until_up
from dev.harness.services import LOOPBACK, free_port, wait_for
from tests.support.paths import ROOT
from tests.support.programs.journey import START_SECONDS, Journey

MONITORING = ROOT / "monitoring"
PANELS = {
    name: [
        (panel["title"], target["expr"])
        for panel in json.loads((MONITORING / f"grafana-{name}.json").read_text(encoding="utf-8"))["panels"]
        for target in panel.get("targets", ())
    ]
    for name in ("edge", "cloud")
}

ALERTS = {
    rule["alert"]: rule["expr"]
    for group in yaml.safe_load((MONITORING / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
}
SELECTOR = re.compile(r"\b(?:up|usbcam_\w+)\b(?:\{[^}]*\})?")

pytestmark = pytest.mark.skipif(shutil.which("prometheus") is None, reason="there is no prometheus on PATH")


class Prometheus:
    """A running one."""

    def __init__(self, port: int) -> None:
        self.port = port

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{LOOPBACK}:{self.port}/-/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def series(self, expression: str) -> list[object]:
        query = urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(f"http://{LOOPBACK}:{self.port}/api/v1/query?{query}", timeout=10) as answer:
            found: list[object] = json.load(answer)["data"]["result"]
        return found


@pytest.fixture
def watched(journey: Journey, tmp_path: Path) -> Iterator[Prometheus]:
    """Run the product as the demo does, and Prometheus beside it."""
    edge, cloud, port = free_port(), free_port(), free_port()
    journey.uploader(METRICS_PORT=str(cloud))
    journey.camera(LIVE_PORT=str(edge))
    folder = tmp_path / "prometheus"
    folder.mkdir()
    targets = {"usbcam-edge": edge, "usbcam-cloud": cloud}
    (folder / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s}\nscrape_configs:\n"
        + "".join(
            f"  - job_name: {job}\n    static_configs: [{{targets: ['{LOOPBACK}:{number}']}}]\n"
            for job, number in targets.items()
        ),
        encoding="ascii",
    )
    command = ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    process = start("prometheus", [*command, f"--web.listen-address={LOOPBACK}:{port}"], folder, {})
    prometheus = Prometheus(port)
    until_up(process, prometheus.answers)
    yield prometheus
    process.kill()


def filled(expression: str) -> str:
    """Put values in the place of Grafana's variables, as it does for "All"."""
    return re.sub(r"\$(?:instance|camera)", ".*", expression.replace("$__rate_interval", "20s"))


def test_every_panel_shows_something_and_no_alert_rings_while_the_product_runs(watched: Prometheus) -> None:
    missing = [panel for panels in PANELS.values() for panel in panels]
    assert len(missing) > 30

    def all_there() -> bool:
        missing[:] = [panel for panel in missing if not watched.series(filled(panel[1]))]
        return not missing

    try:
        wait_for(all_there, seconds=START_SECONDS, what="a series for every panel")
    except TimeoutError:
        pytest.fail(f"no series: {missing}")
    # What an alert asks about must be there before anything is wrong: a counter that begins at 1 has not risen.
    asked = {name: SELECTOR.findall(expression) for name, expression in ALERTS.items()}
    assert all(asked.values())
    assert [(name, each) for name, selectors in asked.items() for each in selectors if not watched.series(each)] == []
    assert [name for name, expression in ALERTS.items() if watched.series(expression)] == []  # all is well
