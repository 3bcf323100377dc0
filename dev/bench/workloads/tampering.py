"""How soon a camera that sees nothing is told, and how often one that sees is called blind."""

import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from camera.sources.frame import Image
from dev.bench.figures.measure import QUICK
from dev.bench.figures.report import Report, Table
from dev.bench.rig.blinded import blind_times
from dev.bench.rig.footage import BLINDING, HARMLESS, Look, clip, room
from dev.scripts.environment import ROOT

MEDIA = ROOT.parent / "shared" / "media" / "video"
CLIPS = int(os.environ.get("CLIPS") or (5 if QUICK else 40))  # of each kind, each with a room of its own
BLIND_SECONDS, HARMLESS_SECONDS, DUSK_SECONDS = 12.0, 60.0, 400.0
DUSK_SHARE = 8  # dusk takes long: so many fewer of them
SOON = 10.0
LOOP_SECONDS = 60.0

Make = Callable[[np.random.Generator], Look]
Told = tuple[float, str]  # after how many seconds, and as what in the end


def run(_folder: Path) -> Report:
    """Everything is drawn from seeds: one run says all."""
    cv2.setNumThreads(1)
    logging.disable(logging.WARNING)
    blind = tuple(_blind_row(name, make) for name, make in BLINDING.items())
    harmless = tuple(_harmless_row(name, make) for name, make in HARMLESS.items())
    tables = [
        Table(
            "Made footage that blinds:", ("what", "clips", "told within 10 s", "median, s", "latest, s", "as"), blind
        ),
        Table("Made footage that only looks like it:", ("what", "clips", "seconds", "false alarms"), harmless),
    ]
    if MEDIA.is_dir():
        rows = tuple(_real_row(file) for file in sorted(MEDIA.rglob("*")) if file.suffix in {".mp4", ".mkv"})
        tables.append(Table("Real footage, in a loop:", ("what", "clips", "seconds", "false alarms"), rows))
    return Report("tampering", "Cameras that see nothing", tuple(tables))


def _blind_row(name: str, make: Make) -> tuple[str, ...]:
    told = [_told(_clip(make, seed, BLIND_SECONDS, frozen=name == "frozen")) for seed in range(CLIPS)]
    after = sorted(each[0] for each in told if each)
    soon = sum(0 <= seconds <= SOON for seconds in after)
    kinds = Counter(each[1] if each else "nothing" for each in told)
    words = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common())
    return name, str(CLIPS), str(soon), f"{after[len(after) // 2]:.1f}", f"{after[-1]:.1f}", words


def _harmless_row(name: str, make: Make) -> tuple[str, ...]:
    seconds, clips = (DUSK_SECONDS, max(1, CLIPS // DUSK_SHARE)) if name == "dusk" else (HARMLESS_SECONDS, CLIPS)
    alarms = sum(_told(_clip(make, seed, seconds)) is not None for seed in range(clips))
    return name, str(clips), f"{clips * seconds:.0f}", str(alarms)


def _real_row(file: Path) -> tuple[str, ...]:
    alarm = _told(_loop(file))
    return file.stem, "1", f"{LOOP_SECONDS:.0f}", str(int(alarm is not None))


def _told(frames: Iterator[tuple[Image, float]]) -> Told | None:
    told = list(blind_times(frames))
    return (told[0][0], told[-1][1].value) if told else None


def _clip(make: Make, seed: int, seconds: float, *, frozen: bool = False) -> Iterator[tuple[Image, float]]:
    random = np.random.default_rng(seed)
    return clip(room(seed), make(random), seconds, random, frozen=frozen)


def _loop(file: Path) -> Iterator[tuple[Image, float]]:
    """Play a file again and again, five frames a second of it."""
    shown, now = 0.0, 0.0
    while now < LOOP_SECONDS:
        video = cv2.VideoCapture(str(file))
        rate = video.get(cv2.CAP_PROP_FPS) or 25.0
        while now < LOOP_SECONDS and video.grab():
            now += 1 / rate
            if now - shown >= 0.2:
                shown = now
                yield video.retrieve()[1], now
        video.release()
