"""Growth: one cloud broker and one uploader, and ever more edges that all have something to send at once."""

import functools
import time
from pathlib import Path

from camera.config.settings import Settings
from dev.bench.figures.measure import QUICK, Sample, Series, memory_mb, paired, quantile
from dev.bench.figures.plot import curves
from dev.bench.figures.report import Report, Table
from dev.bench.workloads import fleet

EDGES = (1, 10, 100) if QUICK else (1, 10, 100, 300, 1000)
IMAGES = 1000 if QUICK else 2000  # of all edges together, so that each run drains as much
KILOBYTES = 80
WINDOW: int = Settings.model_fields["window"].default  # captures that a camera sends ahead of their receipts
LONGEST_SECONDS = 120.0


def run(folder: Path) -> Report:
    """The same cloud for all, as an operator has it."""
    print("  enrolling ...", flush=True)
    cloud = fleet.start(folder, [fleet.name(number) for number in range(max(EDGES))])
    try:
        series = paired({str(count): functools.partial(_drain, cloud, count) for count in EDGES})
    finally:
        for process in (cloud.uploader, cloud.broker, cloud.store):
            process.kill()
    rates = [(float(count), series.figure(str(count), "images/s").median) for count in EDGES]
    plot = curves("Growth", "edges", "images/s", {"images/s": rates})
    notes = (
        "Every edge is a TLS connection with its own certificate. It sends its share at once, QoS 1, 20 in flight.",
        f"As a camera does, it sends no more than {WINDOW} images ahead of their receipts.",
        "All edges are one Python process on the same two cores, which it shares with broker, uploader and store.",
    )
    return Report("growth", "Ever more edges", (_table(series),), notes, {"growth": plot})


def _drain(cloud: fleet.FleetCloud, count: int) -> Sample:
    tally = fleet.Tally()
    connecting = time.monotonic()
    edges = [fleet.connect(cloud, fleet.name(number), tally) for number in range(count)]
    images = fleet.pictures(KILOBYTES)
    with fleet.Crowd(edges) as crowd:
        connected = time.monotonic()
        waiting = IMAGES
        while (waiting or tally.sent) and time.monotonic() - connected < LONGEST_SECONDS:
            while waiting and len(tally.sent) < count * WINDOW:
                edges[waiting % count].send(next(images))
                waiting -= 1
            crowd.turn()
        seconds = time.monotonic() - connected
    sample = {
        "images/s": len(tally.latencies) / seconds,
        "p50 ms": 1000 * quantile(tally.latencies, 0.5),
        "p99 ms": 1000 * quantile(tally.latencies, 0.99),
        "handshakes/s": count / (connected - connecting),
        "lost": float(IMAGES - len(tally.latencies)),
        "broker MB": memory_mb(cloud.broker.popen.pid),
        "uploader MB": memory_mb(cloud.uploader.popen.pid),
    }
    for edge in edges:
        edge.client.disconnect()
    return sample


def _table(series: Series) -> Table:
    names = ("images/s", "p50 ms", "p99 ms", "handshakes/s", "broker MB", "uploader MB", "lost")
    rows = tuple((count, *(str(series.figure(count, name)) for name in names)) for count in series.samples)
    columns = (
        "edges",
        "images/s",
        "capture to receipt: half, ms",
        "99 of 100",
        "TLS handshakes/s",
        "broker, MB",
        "uploader, MB",
        "without a receipt",
    )
    return Table(f"{IMAGES:,} images of {KILOBYTES} KB at once, from so many edges together:", columns, rows)
