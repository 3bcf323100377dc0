"""The gallery in front of a large bucket: the first page, many pages, and whether its memory stays flat."""

import json
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from dev.bench.figures.measure import QUICK, Sample, memory_mb, paired
from dev.bench.figures.report import Report, Table
from dev.bench.rig import stores
from dev.harness.process import LOOPBACK, Process, free_port, wait_for
from dev.harness.services import s3_client, start_gallery

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

OBJECTS = 5_000 if QUICK else 200_000
PAGES = 20 if QUICK else 200
EDGES = ("attic", "porch")
APART = timedelta(seconds=30)  # two edges, one capture a minute each
WRITERS = 16
BODY = b"\x89PNG\r\n\x1a\n"  # names are what is measured


def run(folder: Path) -> Report:
    """One bucket; each run is a gallery that knows nothing yet."""
    store = stores.real(folder / "store")
    try:
        client = s3_client(store.endpoint, stores.ACCESS_KEY, stores.SECRET_KEY)
        print(f"  writing {OBJECTS:,} objects ...", flush=True)
        _fill(client, store.bucket)
        series = paired({"gallery": lambda: _visit(folder / f"run-{time.monotonic_ns()}", store)})
    finally:
        store.process.kill()
    names = (
        "first page ms",
        "first page again ms",
        "filtered by a day ms",
        "pages/s",
        "MB at first",
        "MB after all pages",
    )
    rows = tuple((name, str(series.figure("gallery", name))) for name in names)
    caption = f"{OBJECTS:,} objects of {len(EDGES)} edges, {PAGES} pages of 60:"
    notes = ("`first page` is the first request to a gallery that has just been started.",)
    return Report("gallery", "A large bucket", (Table(caption, ("", "median (lowest-highest)"), rows),), notes)


def _fill(client: "S3Client", bucket: str) -> None:
    now = datetime.now(UTC)

    def put(number: int) -> None:
        at = now - number * APART
        edge = EDGES[number % len(EDGES)]
        identity = f"{at:%Y%m%dT%H%M%S}.{at.microsecond // 1000:03d}Z-{number:08x}"
        key = f"{edge}/door/{at:%Y/%m/%d}/{identity}.png"
        client.put_object(Bucket=bucket, Key=key, Body=BODY, ContentType="image/png")

    with ThreadPoolExecutor(WRITERS) as pool:
        for _ in pool.map(put, range(OBJECTS), chunksize=100):
            pass


def _visit(folder: Path, store: stores.Store) -> Sample:
    port = free_port()
    process = start_gallery(folder, GALLERY_PORT=str(port), CLOUD_BROKER_PORT=str(free_port()), **store.settings)
    try:
        wait_for(lambda: _answers(port), seconds=30, what="the gallery")
        return _look(port, process)
    finally:
        process.kill()


def _look(port: int, process: Process) -> Sample:
    first, page = _timed(port)
    at_first = memory_mb(process.popen.pid)
    again, _ = _timed(port)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1 if QUICK else 40)
    day, _ = _timed(
        port, **{"from": midnight.isoformat(), "to": (midnight + timedelta(days=1)).isoformat()}, edge="porch"
    )
    began = time.monotonic()
    for _ in range(PAGES):
        _, page = _timed(port, cursor=page["cursor"])
    return {
        "first page ms": first,
        "first page again ms": again,
        "filtered by a day ms": day,
        "pages/s": PAGES / (time.monotonic() - began),
        "MB at first": at_first,
        "MB after all pages": memory_mb(process.popen.pid),
    }


def _timed(port: int, **query: str) -> tuple[float, dict[str, str]]:
    began = time.monotonic()
    address = f"http://{LOOPBACK}:{port}/api/captures?{urlencode(query)}"
    with urllib.request.urlopen(address, timeout=60) as answer:
        page = json.loads(answer.read())
    if len(page["captures"]) != 60:
        raise TimeoutError(f"a page held {len(page['pictures'])} pictures")
    return 1000 * (time.monotonic() - began), page


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
