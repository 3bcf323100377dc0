"""What is kept of each visit, by measures that the camera does not choose by."""

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from camera.config.settings import Settings
from camera.pipeline.analyzer import FrameAnalyzer
from camera.sources.frame import Frame, SourceEndedError
from camera.sources.reader.sampler import FrameSampler
from camera.sources.video.file import FileSource
from common.contract.capture import Box, Capture
from common.contract.visit import Visit
from dev.bench.figures.frontality import crispness, degrees, sideways
from dev.bench.figures.report import Table

Seen = tuple[float, float]  # crispness, and how far to the side
MOST_FRONTAL = 10  # percent of a visit's frames


@dataclass(frozen=True, slots=True)
class Watched:
    """One recording, as the camera at its defaults takes it."""

    expected: int  # visits
    visits: list[Visit]
    captures: list[Capture]
    frames: dict[str, dict[int, Seen]]  # of each track, by the number of the frame; also those that it left out

    def ranks(self) -> list[tuple[float, float, float, float]]:
        """Of the best shot of each visit: the share of its frames that are less crisp, and more to the side.

        Also how many degrees it is further to the side than the visit's most frontal tenth, and what the frame that is
        best in both at once would reach in each.
        """
        found = []
        for visit in self.visits:
            best = next((each for each in self.captures if each.id == visit.best), None)
            if best is None:
                continue
            crisp, side = self.frames[visit.track][best.frame]
            seen = np.array(list(self.frames[visit.track].values()))
            beyond = max(0.0, degrees(side) - degrees(float(np.percentile(seen[:, 1], MOST_FRONTAL))))
            ranks = [(_share(seen[:, 0], each), _share(-seen[:, 1], -aside)) for each, aside in seen]
            possible = max(min(rank) for rank in ranks)
            crisper, more_frontal = _share(seen[:, 0], crisp), _share(-seen[:, 1], -side)
            found.append((100 * crisper, 100 * more_frontal, beyond, 100 * possible))
        return found


def watch(path: Path, expected: int) -> Watched:
    """Let the camera watch a recording."""
    settings = Settings()
    source, analyzer = FileSource(path), FrameAnalyzer(settings)
    sampler, every = (FrameSampler(settings.detections_per_second) for _ in range(2))
    left_out, tracks = list[Frame](), set[str]()  # since the last frame that was processed, and who was in it
    visits, captures = list[Visit](), list[Capture]()
    frames: dict[str, dict[int, Seen]] = defaultdict(dict)
    while True:
        try:
            seconds = source.grab()
        except SourceEndedError:
            break
        accepted, due = sampler.accept(seconds), every.accept(seconds)
        frame = source.retrieve() if accepted or due else None
        if frame is None:
            continue
        if not accepted:
            left_out.append(frame)
            continue
        result = analyzer.process(frame)
        sampler.rate = analyzer.rate
        captures += result.captures
        visits += [visit.summary("bench") for visit in result.ended]
        for face in result.faces:
            stayed = face.track in tracks
            frames[face.track] |= _measured(face.box, [*left_out, frame] if stayed else [frame])
        left_out, tracks = [], {face.track for face in result.faces}
    source.close()
    result = analyzer.flush()
    return Watched(
        expected,
        [*visits, *(visit.summary("bench") for visit in result.ended)],
        [*captures, *result.captures],
        frames,
    )


def _measured(box: Box, frames: list[Frame]) -> dict[int, Seen]:
    """What a face was like in these frames, in all of which it is about here."""
    return {each.number: (crispness(each.image, box), sideways(each.image, box)) for each in frames}


def shots_table(media: Path) -> Table:
    """Visits, captures and best shots of each recording, and of all."""
    truth = json.loads((media / "ground_truth.json").read_text(encoding="utf-8"))
    watched = {
        name.removeprefix("video/"): watch(media / name, entry["visit_count"])
        for name, entry in truth.items()
        if name.startswith("video/")
    }
    rows = [_row(name, [each]) for name, each in watched.items()]
    columns = (
        *("", "visits", "found", "captures", "poor"),
        *("best: crisper than", "more frontal than", "degrees off", "possible in both"),
    )
    caption = "The best shot of each visit against all frames of that visit (median):"
    return Table(caption, columns, (*rows, _row("all", list(watched.values()))))


def _row(name: str, watched: list[Watched]) -> tuple[str, ...]:
    ranks = [rank for each in watched for rank in each.ranks()]
    medians = np.median(np.array(ranks), axis=0) if ranks else None
    return (
        name,
        str(sum(each.expected for each in watched)),
        str(sum(len(each.visits) for each in watched)),
        str(sum(len(each.captures) for each in watched)),
        str(sum(bool(capture.metadata.poor) for each in watched for capture in each.captures)),
        *(("",) * 4 if medians is None else _shown(*medians)),
    )


def _shown(crisp: float, frontal: float, beyond: float, possible: float) -> tuple[str, ...]:
    return f"{crisp:.0f} %", f"{frontal:.0f} %", f"{beyond:.1f}", f"{possible:.0f} %"


def _share(values: "np.ndarray[tuple[int], np.dtype[np.float64]]", value: float) -> float:
    """The share of values below this one, equal ones counted half."""
    return float(np.mean(values < value) + np.mean(values == value) / 2)
