"""Which shots of a visit are kept, and that every visit is: on the synthetic scene and on real footage."""

import functools
import json
import os
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from camera.config.settings import Settings
from camera.pipeline.analyzer import AnalysisResult, FrameAnalyzer
from camera.pipeline.tracking.detector import Detection
from camera.pipeline.tracking.track import Track
from camera.pipeline.visits import recorder
from camera.pipeline.visits.encoder import ShotCandidate
from camera.pipeline.visits.policy import VisitState
from camera.sources.frame import Frame, Image, SourceEndedError
from camera.sources.reader.sampler import FrameSampler
from camera.sources.synthetic.scene import Scene
from camera.sources.video.file import FileSource
from common.contract.capture import Box, Capture
from common.contract.visit import MAX_CAPTURES, Visit
from dev.bench.figures.frontality import crispness, sideways_of, surroundings

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
VISITS = int(os.environ.get("VISITS", "8"))  # of the synthetic scene
SHARPER, SHARPEST = 0.5, 0.2  # ranks among the frames of a visit: of each one's sharpest shot, and their median
LONG_BYTES, LONG_RATE = 400_000, 3.0  # of a recording of half a minute or more fewer frames will do
RATES = (0.5, 1.0, 2.0, LONG_RATE, 5.0, 30.0)
PROFILE = 0.6  # of `sideways`
SAMPLE = 40  # faces of a visit, at least, that are asked where they look, which costs more than to find them
SHARED = "visits_shared.mp4"
# Frames with a hand before mouth or chin, by eye. The hand's edges are no sharpness of the face.
HANDS = {"help.mkv": (24, 42), "thanks.mkv": (12, 26), "learn.mkv": (21, 24), "student.mkv": (24, 25)}


def confirmed_visit() -> VisitState:
    box = Box(100, 100, 80, 100)
    return VisitState(
        Track("1", box, NOON, NOON, first_seen=0, last_seen=1, best_score=0.9, hits=5, sure_hits=5), is_face=True
    )


def candidate(quality: float) -> ShotCandidate:
    return ShotCandidate(np.zeros((4, 4, 3), np.uint8), NOON, Detection(Box(0, 0, 4, 4), 0.9), quality, "1", 0)


def shots(qualities: dict[float, float]) -> list[tuple[float, str, float]]:
    """When which kind of shot is kept, and its quality, of a visit that shows these qualities at these seconds."""
    visit, kept = confirmed_visit(), list[tuple[float, str, float]]()
    for seconds, quality in qualities.items():
        if visit.improves(quality):
            visit.candidate = candidate(quality)
        if (kind := visit.next_shot(seconds)) and visit.candidate:
            kept.append((seconds, kind, visit.candidate.quality))
            visit.record_shot(str(seconds), seconds)
    if (kind := visit.last_shot()) and visit.candidate:
        kept.append((float("inf"), kind, visit.candidate.quality))
    return kept


def every_tenth(seconds: float, quality: float) -> dict[float, float]:
    return {step / 10: quality for step in range(round(seconds * 10))}


@pytest.mark.parametrize(("quality", "kept"), [(0.07, 0), (0.09, 1)])
def test_what_nobody_would_recognise_is_no_shot_however_long_it_stays(quality: float, kept: int) -> None:
    assert len(shots(every_tenth(5.0, quality))) == kept


def test_a_good_first_shot_is_the_best_of_the_first_moments() -> None:
    assert shots({0.0: 0.6, 0.2: 0.8, 0.4: 0.7, 0.7: 0.6, 1.5: 0.6}) == [(0.7, "first", 0.8)]


def test_a_poor_first_shot_waits_for_a_good_one() -> None:
    assert shots({0.0: 0.2, 0.7: 0.3, 1.0: 0.7, 1.2: 0.6}) == [(1.0, "first", 0.7)]


def test_a_visit_without_any_good_shot_is_kept_all_the_same() -> None:
    assert shots(every_tenth(3, 0.3)) == [(2.0, "first", 0.3)]


def test_a_short_visit_is_kept_at_its_end() -> None:
    assert shots({0.0: 0.6, 0.1: 0.7}) == [(float("inf"), "last", 0.7)]


def test_a_clearly_better_shot_follows_at_once_and_a_slightly_better_one_at_the_end() -> None:
    found = shots(every_tenth(2, 0.6) | {2.2: 0.8, 3.0: 0.7, 6.0: 0.83, 7.0: 0.6})

    assert found == [(0.6, "first", 0.6), (2.2, "better", 0.8), (float("inf"), "last", 0.83)]


def test_there_are_never_more_than_three_in_a_minute() -> None:
    rising = {step / 10: min(1.0, 0.2 + step * 0.002) for step in range(590)}

    assert len(shots(rising)) == 3


def test_the_best_of_a_visit_is_the_best_that_was_sent() -> None:
    visit = confirmed_visit()
    for number, quality in enumerate([0.9, 0.6, 0.7]):
        visit.candidate = candidate(quality)
        visit.record_shot(f"shot-{number}", float(number))

    visit.refuse({"shot-0"})

    summary = visit.summary("door")
    assert (summary.captures, summary.best) == (("shot-1", "shot-2"), "shot-2")


def test_who_stays_is_kept_ever_more_rarely_each_time_by_the_best_shot_of_the_time_between() -> None:
    seconds = {second: 0.6 + (second % 600 == 200) * 0.1 for second in range(3 * 3600 + 1)}

    kept = shots({float(second): quality for second, quality in seconds.items()})

    assert [at / 60 for at, kind, _ in kept if kind == "dwell"] == [1, 5, 15, 60, 120, 180]
    assert [quality for _, kind, quality in kept if kind == "dwell"][1:] == [pytest.approx(0.7)] * 5


def watch(frames: list[Frame], **settings: object) -> tuple[list[Capture], list[Visit], FrameAnalyzer]:
    analyzer = FrameAnalyzer(Settings(**settings))  # type: ignore[arg-type]  # what pydantic checks
    results = [analyzer.process(frame) for frame in frames] + [analyzer.flush()]
    return (
        [c for result in results for c in result.captures],
        [visit.summary("camera") for result in results for visit in result.ended],
        analyzer,
    )


def still(image: Image, seconds: float) -> list[Frame]:
    """Somebody who does not move."""
    return [
        Frame(image.copy(), NOON + timedelta(seconds=step / 10), step / 10, step) for step in range(round(seconds * 10))
    ]


@pytest.fixture(scope="module")
def face() -> Image:
    return Scene(640, 480, seed=1, visits=1).draw(3.0)


def test_every_face_of_every_frame_is_captured_when_told_so(face: Image) -> None:
    captures, _, _ = watch(still(face, 1), capture_policy="every", captures_per_minute=6000)

    assert len(captures) == 10


def test_captures_keep_their_interval_when_told_so(face: Image) -> None:
    captures, _, _ = watch(still(face, 2), capture_policy="interval", capture_interval_seconds=0.5)

    assert len(captures) == 4


def test_a_limit_holds_whatever_the_policy_wants(face: Image) -> None:
    captures, _, analyzer = watch(still(face, 3), capture_policy="every", captures_per_minute=10)

    assert len(captures) == 5  # half a minute's worth at once
    assert analyzer.counters.rejected["too many"] == 25


def test_between_full_searches_only_known_faces_are_followed(face: Image) -> None:
    _, _, analyzer = watch(still(face, 5.0))
    _, _, always = watch(still(face, 5.0), motion="off")

    assert analyzer.counters.faces == always.counters.faces == 50
    assert (analyzer.counters.region_only, always.counters.region_only) == (45, 0)


def test_fewer_frames_are_enough_while_nothing_moves(face: Image) -> None:
    empty = np.full_like(face, 90)

    def rate(seconds: float, **settings: object) -> float:
        _, _, analyzer = watch(still(empty, seconds), **settings)
        return analyzer.rate

    assert [rate(1.0), rate(1.0, motion="off"), rate(0.1)] == [4, 10, 10]
    assert [rate(1.0, detections_per_second=wanted) for wanted in (1, 8, 30)] == [1, 4, 12]
    assert watch([*still(empty, 1.0), *still(face, 1.1)[10:]])[2].rate == 10


@pytest.mark.parametrize("came", [30, 31, 32, 33, 34])
def test_who_passes_by_within_four_tenths_of_a_second_is_captured(face: Image, came: int) -> None:
    empty = np.full_like(face, 90)
    watching = Watching(measured=False)

    for number in range(came + 40):
        image = face if came <= number < came + 4 else empty
        watching.see_if_wanted(Frame(image.copy(), NOON + timedelta(seconds=number / 10), number / 10, number))

    assert len(watching.captures) == 1


def test_every_other_frame_is_enough_once_everybody_has_settled(face: Image) -> None:
    def rates(seconds: float, **settings: object) -> tuple[float, float]:
        """While they sit there for so long, and once a second one has come."""
        analyzer = FrameAnalyzer(Settings(**settings))  # type: ignore[arg-type]  # what pydantic checks
        for frame in still(face, seconds):
            analyzer.process(frame)
        alone = analyzer.rate
        joined = np.hstack([face, face[:, ::-1]])
        for frame in still(joined, seconds + 0.5)[round(seconds * 10) :]:
            analyzer.process(frame)
        return alone, analyzer.rate

    assert [rates(9.0), rates(10.5)] == [(10, 10), (5, 10)]
    assert [rates(10.5, detections_per_second=wanted) for wanted in (4, 6, 30)] == [(4, 4), (5, 6), (15, 30)]
    assert rates(10.5, capture_policy="every") == rates(10.5, motion="off") == (10, 10)
    assert rates(10.5, min_sharpness=100) == (10, 10)  # until there is a good shot


def captured(frames: list[Frame]) -> tuple[list[Capture], FrameAnalyzer]:
    """What is captured while these frames pass, and not at the end of the visits."""
    analyzer = FrameAnalyzer(Settings())
    return [capture for frame in frames for capture in analyzer.process(frame).captures], analyzer


def test_who_joins_somebody_is_captured_within_a_second(face: Image) -> None:
    alone, joined = np.hstack([face, np.zeros_like(face)]), np.hstack([face, face[:, ::-1]])
    frames = [*still(alone, 3.1), *still(joined, 4.1)[31:]]  # the newcomer has 0.9 s

    captures, analyzer = captured(frames)

    assert [capture.metadata.box.x > face.shape[1] for capture in captures] == [False, True]
    assert analyzer.counters.region_only > 20


def test_who_joins_somebody_who_has_settled_is_captured_about_as_soon(face: Image) -> None:
    alone, joined = np.hstack([face, np.zeros_like(face)]), np.hstack([face, face[:, ::-1]])
    for seconds in (12.0, 12.1, 12.2):
        frames = [*still(alone, seconds), *still(joined, seconds + 1.1)[round(seconds * 10) :]]
        watching = Watching(measured=False)
        seen = sum(watching.see_if_wanted(frame) for frame in frames)

        assert [capture.metadata.box.x > face.shape[1] for capture in watching.captures] == [False, True]
        assert seen < len(frames) - 8  # every other one of two seconds


def test_who_joins_beside_somebody_near_is_captured_within_a_second(face: Image) -> None:
    near = cv2.resize(face[200:420, 230:430], None, fx=2.5, fy=2.5)  # a face of 295 pixels
    alone = np.full((720, 1280, 3), face[10, 10], np.uint8)
    alone[:550, 200:700] = near
    joined = alone.copy()
    joined[100:320, 700:900] = face[200:420, 230:430]
    frames = [*still(alone, 3.1), *still(joined, 4.1)[31:]]  # the newcomer has 0.9 s

    captures, _ = captured(frames)

    assert [capture.metadata.box.x > 700 for capture in captures] == [False, True]


def test_who_joins_before_somebodys_body_is_captured_soon(face: Image) -> None:
    alone = np.vstack([face, face[-1:].repeat(260, axis=0)])
    joined = alone.copy()
    joined[500:720, 220:420] = face[200:420, 220:420]  # below the other one's face
    frames = [*still(alone, 3.1), *still(joined, 5.0)[31:]]  # the newcomer has 1.8 s

    captures, _ = captured(frames)

    assert [capture.metadata.box.y > 480 for capture in captures] == [False, True]


@pytest.mark.parametrize("policy", ["every", "interval"])
def test_a_visit_of_hours_is_announced_with_its_last_captures_and_its_best(policy: str) -> None:
    visit = confirmed_visit()
    for number in range(3 * MAX_CAPTURES):
        visit.candidate = candidate(0.9 if number == 7 else 0.5)
        visit.record_shot(f"20261122T120000.{number:03}Z-12345678-{policy}", number)

    summary = visit.summary("c" * 64)

    assert [int(name[16:].split("Z")[0]) for name in summary.captures] == [
        7,
        *range(2 * MAX_CAPTURES + 1, 3 * MAX_CAPTURES),
    ]
    assert summary.best == summary.captures[0]
    assert summary.count == 3 * MAX_CAPTURES
    assert Visit.parse(summary.to_json()) == summary


def test_what_was_refused_in_a_visit_of_hours_is_forgotten_first() -> None:
    visit = confirmed_visit()
    for number in range(2 * MAX_CAPTURES):
        visit.candidate = candidate({3: 0.95, 10: 0.8}.get(number, 0.5))
        visit.record_shot(str(number), number)
        if number % 4 == 3:
            visit.refuse({str(number)})

    summary = visit.summary("door")

    assert len(summary.captures) == MAX_CAPTURES - 1
    assert summary.best == "10"
    assert summary.count == 2 * MAX_CAPTURES * 3 / 4
    assert visit.refused == {"999"}


def test_a_refused_capture_is_neither_listed_in_its_visit_nor_its_best() -> None:
    visit = confirmed_visit()
    for capture_id, quality in (("good", 0.7), ("best", 0.9), ("poor", 0.6)):
        visit.candidate = ShotCandidate(
            np.zeros((4, 4, 3), np.uint8), NOON, Detection(Box(0, 0, 4, 4), 0.9), quality, "1", 0
        )
        visit.record_shot(capture_id, 0.0)

    visit.refuse({"best", "of another visit"})

    assert visit.summary("door").captures == ("good", "poor")
    assert visit.summary("door").best == "good"


def test_a_visit_whose_captures_were_all_refused_has_none(face: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "max_image_bytes", lambda _mb: 1000)

    captures, visits, analyzer = watch(still(face, 1))

    assert captures == []
    assert [(visit.captures, visit.best) for visit in visits] == [((), "")]
    assert analyzer.counters.refused == 1


def test_what_is_masked_is_neither_seen_nor_kept(face: Image) -> None:
    frames = still(face, 1)

    captures, visits, _ = watch(frames, masks="0,0:1,0:1,1:0,1", capture="frame")

    assert (captures, visits) == ([], [])
    assert all(not frame.image.any() for frame in frames)


def test_a_mask_leaves_the_rest(face: Image) -> None:
    frames = still(face, 1)

    captures, _, _ = watch(frames, masks="0,0:0.1,0:0.1,1:0,1", capture="frame")

    assert len(captures) == 1
    assert not frames[0].image[:, :60].any()
    assert np.array_equal(frames[0].image[:, 80:], face[:, 80:])


@pytest.mark.long
def test_every_visit_of_the_synthetic_scene_is_captured_about_once() -> None:
    scene, rate = Scene(640, 480, seed=11, visits=VISITS), 10
    analyzer = FrameAnalyzer(Settings())
    captured: Counter[int] = Counter()
    step = 0
    plan = Scene(640, 480, seed=11, visits=VISITS)
    while not scene.ended(step / rate):
        result = analyzer.process(
            Frame(scene.draw(step / rate), NOON + timedelta(seconds=step / rate), step / rate, step)
        )
        for capture in result.captures:
            captured[plan.visits_begun((capture.metadata.captured_at - NOON).total_seconds())] += 1
        step += 1
    for capture in analyzer.flush().captures:
        captured[plan.visits_begun((capture.metadata.captured_at - NOON).total_seconds())] += 1

    print(f"\n{VISITS} visits in {step / rate:.0f} s: {sum(captured.values())} captures, {analyzer.counters}")
    assert set(captured) == set(range(1, VISITS + 1))
    assert analyzer.counters.visits == VISITS
    assert sum(captured.values()) <= 2 * VISITS


class Seen:
    """A face of a frame, for who judges the choice between them."""

    def __init__(self, image: Image, box: Box) -> None:
        self.crispness, self._surroundings = crispness(image, box), surroundings(image, box)

    @functools.cached_property
    def looks_here(self) -> bool:
        return sideways_of(self._surroundings) < PROFILE


class Watching:
    """Who watches a recording; also the faces of each track, by the number of the frame."""

    def __init__(self, *, measured: bool = True, **wanted: object) -> None:
        settings = Settings(**wanted)  # type: ignore[arg-type]  # what pydantic checks
        self._sampler, self._analyzer = FrameSampler(settings.detections_per_second), FrameAnalyzer(settings)
        self._measured = measured
        self.captures: list[Capture] = []
        self.visits: list[Visit] = []
        self.shown: dict[str, dict[int, Seen]] = defaultdict(dict)

    def wants(self, seconds: float) -> bool:
        return self._sampler.accept(seconds)

    def see_if_wanted(self, frame: Frame) -> bool:
        """Tell whether it was."""
        wanted = self.wants(frame.seconds)
        if wanted:
            self.see(frame)
        return wanted

    def see(self, frame: Frame) -> None:
        result = self._analyzer.process(frame)
        self._sampler.rate = self._analyzer.rate
        self._keep(result)
        for found in result.faces if self._measured else ():
            self.shown[found.track][frame.number] = Seen(frame.image, found.box)

    def end(self) -> None:
        self._keep(self._analyzer.flush())

    def _keep(self, result: AnalysisResult) -> None:
        self.captures += result.captures
        self.visits += [visit.summary("camera") for visit in result.ended]


def play(path: Path, *watching: Watching) -> None:
    """Show a recording to all, each as often as it wants."""
    source = FileSource(path)
    while True:
        try:
            seconds = source.grab()
        except SourceEndedError:
            break
        asked = [each for each in watching if each.wants(seconds)]
        if asked and (frame := source.retrieve()):
            for each in asked:
                each.see(frame)
    source.close()
    for each in watching:
        each.end()


def recordings(media: Path) -> list[tuple[Path, int]]:
    truth = json.loads((media / "ground_truth.json").read_text())
    return [(media / name, entry["visit_count"]) for name, entry in truth.items() if name.startswith("video/")]


@pytest.fixture(scope="module")
def shared(media: Path) -> dict[float, Watching]:
    """Who watched the recording of several people, at so many frames a second."""
    watching = {rate: Watching(measured=rate == LONG_RATE, detections_per_second=rate) for rate in RATES}
    play(media / "video" / SHARED, *watching.values())
    return watching


def test_visits_are_the_same_however_often_frames_are_processed(shared: dict[float, Watching]) -> None:
    assert {rate: len(each.visits) for rate, each in shared.items()} == dict.fromkeys(RATES, 4)
    for rate, each in shared.items():
        assert {track_of(capture) for capture in each.captures} == {visit.track for visit in each.visits}, rate


def test_visits_of_real_people_are_kept_each_by_sharp_shots_of_faces_that_look_here(
    media: Path, shared: dict[float, Watching]
) -> None:
    """By measures that the product does not use: what it chooses by would prove nothing."""
    ranks: list[float] = []
    for path, visits in recordings(media):
        if path.name == SHARED:
            watching = shared[LONG_RATE]
        else:
            watching = Watching(detections_per_second=10 if path.stat().st_size < LONG_BYTES else LONG_RATE)
            play(path, watching)
        captures, found, shown = watching.captures, watching.visits, watching.shown
        begin, end = HANDS.get(path.name, (0, -1))
        shown = {track: {n: s for n, s in seen.items() if not begin <= n <= end} for track, seen in shown.items()}
        assert all(c.frame in shown[track_of(c)] for c in captures if c.id in {v.best for v in found}), path.name

        kept = Counter(track_of(capture) for capture in captures)
        clear = [capture for capture in captures if capture.frame in shown[track_of(capture)]]
        best = {track: min(rank(c, shown[track]) for c in clear if track_of(c) == track) for track in kept}
        print(f"{path.name}: {visits} visits, kept {list(kept.values())}, ranks {[f'{r:.0%}' for r in best.values()]}")
        assert len(found) == len(kept) == visits, path.name
        assert all(1 <= number <= 3 for number in kept.values()), path.name
        assert all(watching.shown[track_of(c)][c.frame].looks_here for c in captures if not c.metadata.poor), path.name
        assert all(each <= SHARPER for each in best.values()), path.name
        ranks += best.values()
    assert np.median(ranks) <= SHARPEST


def track_of(capture: Capture) -> str:
    assert capture.metadata.track
    return capture.metadata.track.id


def rank(capture: Capture, shown: dict[int, Seen]) -> float:
    """The share of its visit's frames that are crisper than a capture, of those that look here."""
    sample = list(shown.values())[:: max(1, len(shown) // SAMPLE)]
    here = [seen.crispness for seen in sample if seen.looks_here]
    return float(np.mean(np.array(here) > shown[capture.frame].crispness))
