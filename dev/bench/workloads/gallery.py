"""The gallery in front of a large bucket: the first screen, many pages, all counts, and whether memory stays flat."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import obstore
from obstore.store import S3Store

from common.contract.times import timestamp
from dev.bench.figures.measure import QUICK, Sample, Series, cpu_seconds, memory_mb, paired
from dev.bench.figures.report import Report, Table
from dev.bench.rig import stores
from dev.bench.rig.delay import delayed
from dev.harness.process import LOOPBACK, Process, free_port, until_up
from dev.harness.services import s3_client, start_gallery
from storage.star import marker

OBJECTS = 5_000 if QUICK else 1_000_000
STARS = 300
PAGES = 20 if QUICK else 200
EDGES = ("attic", "porch")
APART = timedelta(minutes=1)  # 1,440 captures a day of two edges, in visits of three
SHOTS = 3
STRIP_DAYS = 14  # for which the page shows counts
MONTHS = 1 if QUICK else 2
RUNS = 1 if QUICK else 3  # of the pages; counting takes minutes and is done once
S3_SECONDS = 0.03  # until S3 answers, say
COUNT_SECONDS = 900.0  # until all is counted, however slow the machine
WRITERS = 16
BODY = b"\x89PNG\r\n\x1a\n"  # names and metadata are what is measured
NEAR, FAR = "store on this machine", f"each request takes {1000 * S3_SECONDS:.0f} ms longer"
OF_PAGES = (
    *("first page ms", "its CPU ms", "first page again ms", "filtered by a day ms", "pages/s"),
    *("MB at first", "MB after all pages"),
)
OF_COUNTS = (
    *("first page as a browser asks ms", "first screen ms", "counts of 14 days s", "counts of all months s"),
    *("starred ms", "MB after all counts"),
)


def run(folder: Path) -> Report:
    """One bucket; each run is a gallery that knows nothing yet."""
    store = stores.real(folder / "store")
    try:
        print(f"  writing {OBJECTS:,} objects ...", flush=True)
        _fill(store)
        with delayed(store.port, S3_SECONDS) as far_port:
            far = {"S3_ENDPOINT_URL": f"http://{LOOPBACK}:{far_port}"}
            stores_by_name = {NEAR: store.settings, FAR: store.settings | far}
            pages, counts = (
                paired({name: partial(_started, folder, each, look) for name, each in stores_by_name.items()}, runs)
                for look, runs in ((_look_through, RUNS), (_open, 1))
            )
    finally:
        store.process.kill()
    rows = (*_rows(pages, OF_PAGES), *_rows(counts, OF_COUNTS))
    caption = f"{OBJECTS:,} objects of {len(EDGES)} edges in visits of {SHOTS}, {PAGES} pages of 60:"
    notes = (
        "`first page` is the first request to a gallery that has just been started.",
        "`as a browser asks`: that page while all is asked that a browser asks as it opens.",
        "`first screen`: until page, head line, edges, oldest day and the first answers of all counts are there.",
        f"`counts`: until all are complete, of {STRIP_DAYS} days, and then of {MONTHS} months one after the other.",
    )
    return Report("gallery", "A large bucket", (Table(caption, ("", NEAR, FAR), rows),), notes)


def _fill(store: stores.Store) -> None:
    now, client = datetime.now(UTC), s3_client(store.endpoint, stores.ACCESS_KEY, stores.SECRET_KEY)
    fast = S3Store(
        store.bucket,
        endpoint=store.endpoint,
        client_options={"allow_http": True},
        access_key_id=stores.ACCESS_KEY,
        secret_access_key=stores.SECRET_KEY,
        region="us-east-1",
    )

    def put(number: int) -> None:
        at = now - number * APART
        edge = EDGES[number // SHOTS % len(EDGES)]
        identity = f"{at:%Y%m%dT%H%M%S}.{at.microsecond // 1000:03d}Z-{number:08x}"
        key = f"{edge}/door/{at:%Y/%m/%d}/{identity}.png"
        said = {"schema": "1", "track": f"{number // SHOTS:x}", "shot": "first", "quality": "0.7", "id": identity}
        said |= {"edge": edge, "camera": "door", "captured_at": timestamp(at)}
        obstore.put(fast, key, BODY, attributes={"Content-Type": "image/png", **said}, use_multipart=False)
        if number < STARS:
            client.put_object(Bucket=store.bucket, Key=marker(key), Body=b"")

    with ThreadPoolExecutor(WRITERS) as pool:
        for _ in pool.map(put, range(OBJECTS), chunksize=100):
            pass


def _rows(series: Series, names: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name in names:
        yield name, *(str(series.figure(contender, name)) for contender in (NEAR, FAR))


def _started(folder: Path, settings: Mapping[str, str], look: Callable[[int, Process], Sample]) -> dict[str, float]:
    port = free_port()
    broker = {"CLOUD_BROKER_PORT": str(free_port())}
    process = start_gallery(folder / f"run-{time.monotonic_ns()}", GALLERY_PORT=str(port), **broker, **settings)
    try:
        until_up(process, lambda: _answers(port))
        return dict(look(port, process))
    finally:
        process.kill()


def _look_through(port: int, process: Process) -> Sample:
    before = cpu_seconds(process.popen.pid)
    first, page = _page(port)
    cpu = cpu_seconds(process.popen.pid) - before
    at_first = memory_mb(process.popen.pid)
    again, _ = _page(port)
    midnight = _today() - timedelta(days=1 if QUICK else 40)
    day, _ = _page(
        port, **{"from": midnight.isoformat(), "to": (midnight + timedelta(days=1)).isoformat()}, edge="porch"
    )
    began = time.monotonic()
    for _ in range(PAGES):
        _, page = _page(port, cursor=page["cursor"])
    return {
        "first page ms": first,
        "its CPU ms": 1000 * cpu,
        "first page again ms": again,
        "filtered by a day ms": day,
        "pages/s": PAGES / (time.monotonic() - began),
        "MB at first": at_first,
        "MB after all pages": memory_mb(process.popen.pid),
    }


def _open(port: int, process: Process) -> Sample:
    """Ask what a browser asks when it opens the page, all at once; then all that can be counted."""
    today = _today()
    strip = {
        "from": (today - timedelta(days=STRIP_DAYS - 1)).isoformat(),
        "to": (today + timedelta(days=1)).isoformat(),
    }
    questions: tuple[tuple[str, dict[str, str]], ...] = (
        ("/api/captures", {}),
        ("/api/counts", _days(today - timedelta(days=STRIP_DAYS - 1), STRIP_DAYS)),
        ("/api/camera-counts", strip),
        ("/api/oldest", {}),
        ("/api/fleet", {}),
        ("/api/today", {"from": today.isoformat()}),
        ("/api/cameras", {}),
    )
    began = time.monotonic()
    with ThreadPoolExecutor(len(questions)) as pool:
        answers = list(pool.map(lambda question: _asked(port, question[0], **question[1]), questions))
    screen = 1000 * (time.monotonic() - began)
    _until_complete(port, *questions[1])
    _until_complete(port, *questions[2])
    of_strip = time.monotonic() - began
    for month in range(MONTHS):
        _until_complete(port, "/api/counts", _days(today - timedelta(days=30 * (month + 1)), 30))
    of_months = time.monotonic() - began
    starred, _ = _asked(port, "/api/captures", starred="")
    return {
        "first page as a browser asks ms": answers[0][0],
        "first screen ms": screen,
        "counts of 14 days s": of_strip,
        "counts of all months s": of_months,
        "starred ms": starred,
        "MB after all counts": memory_mb(process.popen.pid),
    }


def _today() -> datetime:
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _days(first: datetime, number: int) -> dict[str, str]:
    return {"at": ",".join(str(int((first + timedelta(days=day)).timestamp())) for day in range(number + 1))}


def _until_complete(port: int, path: str, query: Mapping[str, str]) -> None:
    deadline = time.monotonic() + COUNT_SECONDS
    while not _asked(port, path, **query)[1]["complete"]:
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {COUNT_SECONDS:g} s for {path} to be complete")


def _page(port: int, **query: str) -> tuple[float, Any]:
    took, page = _asked(port, "/api/captures", **query)
    if len(page["captures"]) != 60:
        raise TimeoutError(f"a page held {len(page['captures'])} pictures")
    return took, page


def _asked(port: int, path: str, **query: str) -> tuple[float, Any]:
    """Return the milliseconds and the answer."""
    began = time.monotonic()
    with urllib.request.urlopen(f"http://{LOOPBACK}:{port}{path}?{urlencode(query)}", timeout=60) as answer:
        content = json.loads(answer.read())
    return 1000 * (time.monotonic() - began), content


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
