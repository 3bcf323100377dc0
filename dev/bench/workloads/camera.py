"""The camera: what a frame costs, next to other ways to process the same file, and how many images a visit gives."""

import functools
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import which

import cv2
import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from camera.config.settings import Settings
from camera.pipeline.analyzer import FrameAnalyzer
from camera.sources.frame import Frame
from camera.sources.synthetic.scene import Scene
from common.contract.capture import Capture
from dev.bench.figures.measure import QUICK, Figure, Sample, Series, cpu_seconds, memory_mb, paired
from dev.bench.figures.plot import bars
from dev.bench.figures.report import Report, Table, left_out
from dev.harness.process import LOOPBACK, Process, free_port, start, until_up
from dev.harness.services import start_camera

YOUNG = "ours, first ten seconds"
LACKS = {  # what ours does and this one does not
    "ours": "",
    YOUNG: "",
    "Haar cascade": "tracking, choosing, pictures, the live page",
    "YuNet, whole frame": "tracking, choosing, pictures, the live page",
    "motion, then YuNet": "choosing, pictures, the live page; who sits still before it started is not found",
    "motion": "faces, choosing, pictures, the live page",
}
RATE = 10  # frames a second
FAST_RATE = 30
SECONDS = 2.0 if QUICK else 6.0
WARM_SECONDS = 2.0 if QUICK else 12.0  # until ours has seen nothing wrong, or nobody new, for ten: it looks less often
YOUNG_SECONDS = 2.0  # until a visit is measured that has just begun
VIDEO_SECONDS = 20
SIZES = ((640, 480), (1280, 720))
VISITS = 10 if QUICK else 50
VISITS_A_DAY = 200
PUTS_PRICE, GB_PRICE = 0.005 / 1000, 0.023  # of S3 in us-east-1, a PUT and a GB-month
MOTION_CONFIG = """daemon off
log_level 3
netcam_url file://{video}
width {width}
height {height}
framerate {rate}
picture_output off
movie_output off
webcontrol_port 0
"""


@dataclass(frozen=True, slots=True)
class Footage:
    """A file that all contenders look at."""

    path: Path
    width: int
    height: int
    rate: int


def ours(folder: Path, footage: Footage) -> Process:
    """Start it, and wait until it looks at frames: its start is not what a frame costs."""
    return _started(folder, footage, free_port(), frames=1)


def start_before(folder: Path, footage: Footage, **settings: str) -> Process:
    """Start our camera before footage that it sees again and again."""
    return start_camera(
        folder,
        CAMERA_SOURCE=str(footage.path),
        FILE_AT_END="loop",
        DETECTIONS_PER_SECOND=str(footage.rate),
        HEARTBEAT_FILE=str(folder / "beat.json"),
        MALLOC_ARENA_MAX="2",  # as in the image
        **settings,
    )


def _started(folder: Path, footage: Footage, port: int, frames: int) -> Process:
    process = start_before(folder, footage, EDGE_BROKER_PORT=str(free_port()), LIVE_PORT=str(port))
    return until_up(process, lambda: _counted(port).get("usbcam_frames_processed", 0) >= frames)


def frame_consumer(kind: str, folder: Path, footage: Footage) -> Process:
    command = [sys.executable, "-m", "dev.bench.peers.frame_consumer", str(footage.path), kind, str(footage.rate)]
    paths = {"PYTHONPATH": ":".join(path for path in sys.path if path)}
    return start(kind, command, folder, paths)


def motion(folder: Path, footage: Footage) -> Process:
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "motion.conf"
    config.write_text(
        MOTION_CONFIG.format(video=footage.path, width=footage.width, height=footage.height, rate=footage.rate)
    )
    return start("motion", ["motion", "-n", "-c", str(config)], folder, {"PATH": "/usr/bin:/usr/sbin:/bin"})


CONTENDERS: dict[str, Callable[[Path, Footage], Process]] = {
    "ours": ours,
    "Haar cascade": functools.partial(frame_consumer, "haar"),
    "YuNet, whole frame": functools.partial(frame_consumer, "yunet"),
    "motion, then YuNet": functools.partial(frame_consumer, "motion-first"),
    "motion": motion,
}


def run(folder: Path) -> Report:
    """All of it."""
    contenders = dict(CONTENDERS)
    notes = []
    if not which("motion"):
        del contenders["motion"]
        notes.append("motion (Debian's package) was left out: it is not installed.")
    results = {}
    for width, height in SIZES:
        for scene, seen_at in (("nobody", 0.0), ("a face in view", 3.0)):
            print(f" {width}x{height}, {scene}", flush=True)
            footage = film(folder / f"{width}-{scene.split()[0]}.mkv", (width, height), seen_at, RATE)
            young = {YOUNG: ours} if seen_at else {}
            results[f"{width}x{height}, {scene}"] = _compare(folder, footage, {"ours": ours} | young | contenders)
    fast = _fast(folder)
    notes.append(
        "Each looks at the same file in real time, 10 frames a second, and decodes it; CPU is of the whole process."
    )
    notes.append("Once everybody has been there for ten seconds and hardly moves, ours looks at every other frame.")
    notes.append("'Motion, then YuNet' is Frigate's order of work. It keeps no picture, and judges none.")
    notes += left_out(*results.values())
    tables = [*(_table(name, series) for name, series in results.items()), fast, _visits()]
    plot = bars("CPU for a frame", "ms", {name: _cpu(series) for name, series in results.items()})
    return Report("camera", "What a frame costs at the edge", tuple(tables), tuple(notes), {"camera": plot})


def film(path: Path, size: tuple[int, int], seen_at: float, rate: int) -> Footage:
    """Write a video of the synthetic scene: empty, or with a person who sways a little."""
    scene = Scene(*size, seed=1, visits=1)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), rate, size)
    for number in range(VIDEO_SECONDS * rate):
        sway = 0.2 * np.sin(number / rate) if seen_at else number / 1000
        writer.write(scene.draw(seen_at + sway))
    writer.release()
    return Footage(path, *size, rate)


def _compare(folder: Path, footage: Footage, contenders: dict[str, Callable[[Path, Footage], Process]]) -> Series:
    def trial(name: str, begin: Callable[[Path, Footage], Process]) -> Sample:
        process = begin(folder / f"run-{time.monotonic_ns()}", footage)
        try:
            return _cost(process, footage.rate, YOUNG_SECONDS if name == YOUNG else WARM_SECONDS)
        finally:
            process.kill()

    return paired(
        {name: functools.partial(trial, name, begin) for name, begin in contenders.items()},
        peers=contenders.keys() - {"ours", YOUNG},
    )


def _cost(process: Process, rate: int, warm_seconds: float) -> Sample:
    time.sleep(warm_seconds)
    began, before = time.monotonic(), cpu_seconds(process.popen.pid)
    time.sleep(SECONDS)
    frames = rate * (time.monotonic() - began)
    if process.popen.poll() is not None:
        raise TimeoutError(f"{process.name} ended: {process.tail(3)}")
    cpu = cpu_seconds(process.popen.pid) - before
    return {"CPU ms": 1000 * cpu / frames, "MB": memory_mb(process.popen.pid)}


def _fast(folder: Path) -> Table:
    """How many frames are skipped when they come faster than they are processed."""
    rows = []
    for size in SIZES:
        footage = film(folder / f"fast-{size[0]}.mkv", size, 3.0, FAST_RATE)
        series = paired({"ours": functools.partial(_skipped, folder, footage)})
        figures = [str(series.figure("ours", name)) for name in ("processed", "skipped")]
        rows.append((f"{size[0]}x{size[1]}, a face in view", *figures))
    columns = ("", "processed, each second", "skipped, each second")
    return Table(f"At {FAST_RATE} frames a second, all of them wanted:", columns, tuple(rows))


def _skipped(folder: Path, footage: Footage) -> Sample:
    port = free_port()
    process = _started(folder / f"fast-{time.monotonic_ns()}", footage, port, frames=FAST_RATE)
    try:
        began, before = time.monotonic(), _counted(port)
        time.sleep(SECONDS)
        seconds, after = time.monotonic() - began, _counted(port)
    finally:
        process.kill()
    names = {"processed": "usbcam_frames_processed", "skipped": "usbcam_frames_skipped"}
    return {said: (after[name] - before[name]) / seconds for said, name in names.items()}


def _counted(port: int) -> dict[str, float]:
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/metrics", timeout=5) as answer:
            families = text_string_to_metric_families(answer.read().decode())
            return {family.name: family.samples[0].value for family in families if family.samples}
    except OSError:
        return {}


def _visits() -> Table:
    """What a visit gives by each policy: the same frames of the synthetic scene for each."""
    rows = []
    for policy in ("best", "interval", "every"):
        images, size = _images(policy)
        month = 30 * VISITS_A_DAY * images
        price = month * PUTS_PRICE + month * size / 1e9 * GB_PRICE
        name = {"best": "best (ours)", "interval": "every second", "every": "every frame"}[policy]
        rows.append((name, f"{images:.2f}", f"{size / 1000:.0f}", f"{month:,.0f}", f"${price:,.2f}"))
    columns = (
        "CAPTURE_POLICY",
        "images a visit",
        "KB each",
        f"images a month, {VISITS_A_DAY} visits a day",
        "S3, a month",
    )
    return Table(f"Images of a visit ({VISITS} visits of 3 to 6 s, 1280x720, PNG):", columns, tuple(rows))


def _images(policy: str) -> tuple[float, float]:
    given = Settings(capture_policy=policy, captures_per_minute=6000)
    analyzer, scene = FrameAnalyzer(given), Scene(1280, 720, seed=7, visits=VISITS)
    began, number = datetime(2026, 1, 1, tzinfo=UTC), 0
    captures: list[Capture] = []
    while not scene.ended(number / RATE):
        seconds = number / RATE
        frame = Frame(scene.draw(seconds), began + timedelta(seconds=seconds), seconds, number)
        captures += analyzer.process(frame).captures
        number += 1
    captures += analyzer.flush().captures
    return len(captures) / VISITS, sum(len(capture.image) for capture in captures) / len(captures)


def _cpu(series: Series) -> dict[str, Figure]:
    return {name: series.figure(name, "CPU ms") for name in series.samples}


def _table(caption: str, series: Series) -> Table:
    rows = tuple(
        (
            name,
            str(series.figure(name, "CPU ms")),
            str(series.ratio(name, "ours", "CPU ms")) if name != "ours" else "",
            f"{series.figure(name, 'CPU ms').median * RATE / 10:.1f} %",
            f"{series.figure(name, 'MB').median:.0f}",
            LACKS[name],
        )
        for name in series.samples
    )
    columns = ("", "CPU ms a frame", "times ours", "of a core at 10 a second", "MB", "it lacks")
    return Table(f"{caption}:", columns, rows)
