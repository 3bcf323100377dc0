"""Video files: at their own pace, or as fast as possible."""

import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

import cv2
import pytest

from camera.sources.decoding.doubt import Doubt
from camera.sources.frame import FrameSource, SourceEndedError
from camera.sources.synthetic.scene import Scene
from camera.sources.video.file import FileSource
from tests.edge.sources.video.odd_media import encoded, spoiled


def seconds_of(source: FrameSource) -> list[float]:
    """The time stamps of all frames until the source ends."""
    times = []
    while True:
        try:
            times.append(source.grab())
        except SourceEndedError:
            return times


def test_a_file_is_read_to_its_end_with_its_own_times(video: Path) -> None:
    times = seconds_of(FileSource(video))

    assert times[:3] == pytest.approx([0.0, 0.1, 0.2])
    assert len(times) > 80


def test_a_frame_of_a_file_that_is_read_fast_has_the_files_time(video: Path) -> None:
    recorded = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
    os.utime(video, (recorded.timestamp(),) * 2)
    source = FileSource(video)

    source.grab()
    first = source.retrieve()
    source.grab()
    second = source.retrieve()

    assert first
    assert second
    assert second.captured_at - first.captured_at == timedelta(seconds=0.1)
    assert timedelta(0) < recorded - first.captured_at < timedelta(seconds=30)


def test_a_played_file_keeps_its_own_pace(video: Path) -> None:
    source = FileSource(video, stop=threading.Event())
    began = time.monotonic()

    for _ in range(6):
        source.grab()

    assert time.monotonic() - began >= 0.5


def test_a_looped_file_goes_on_and_its_clock_never_steps_back(video: Path) -> None:
    once = len(seconds_of(FileSource(video)))
    source = FileSource(video, loop=True)

    times = [source.grab() for _ in range(once * 2 + 5)]

    assert times == sorted(times)
    assert len(set(times)) == len(times)


def decoded(source: FileSource, wanted: list[bool]) -> tuple[list[bool], int]:
    """Which of the wanted frames of a file are whole, and how many were decoded for that."""
    with mock.patch.object(Doubt, "covers", autospec=True, side_effect=Doubt.covers) as decode:
        whole = []
        for want in wanted:
            source.grab()
            if want:
                whole.append(source.retrieve() is not None)
    return whole, decode.call_count


def test_of_frames_that_stand_alone_only_those_that_are_wanted_are_decoded(video: Path) -> None:
    whole, count = decoded(FileSource(video), [number % 4 == 0 for number in range(40)])

    assert (whole, count) == ([True] * 10, 10)


def test_of_frames_that_build_on_each_other_all_are_decoded(tmp_path: Path) -> None:
    film = encoded(tmp_path / "film.mkv", "libx264")

    whole, count = decoded(FileSource(film), [number % 4 == 0 for number in range(20)])

    assert all(whole)
    assert count >= 20


def test_damage_in_a_frame_that_waits_to_be_decoded_is_that_frames_alone(video: Path, tmp_path: Path) -> None:
    torn = spoiled(video, 8, lambda packet: packet[: len(packet) // 2], tmp_path / "torn.mkv")

    whole, count = decoded(FileSource(torn), [number % 4 == 0 for number in range(20)])

    assert whole == [True, True, False, True, True]
    assert count <= 6  # the one after the damage, too


def test_a_frame_that_waits_has_the_time_that_it_has_when_decoded(video: Path) -> None:
    source, at = FileSource(video), []
    for number in range(9):
        seconds = source.grab()
        if number % 4 == 0:
            frame = source.retrieve()
            assert frame
            at.append((frame.seconds, frame.number, seconds))

    assert [number for _, number, _ in at] == [0, 4, 8]
    assert [seconds for seconds, _, _ in at] == [seconds for _, _, seconds in at] == pytest.approx([0.0, 0.4, 0.8])


def test_a_frame_without_tables_of_its_own_is_not_left_out(tmp_path: Path) -> None:
    """Those of the frame before it count, and they may change from one frame to the next."""
    room = Scene(320, 240, seed=1, visits=1).draw(0.0)
    film, last = tmp_path / "film.mjpeg", b""
    with film.open("wb") as file:
        for quality in (90, 90, 90, 30, 30, 30, 30, 30, 30):
            jpeg = cv2.imencode(".jpg", room, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
            tables = jpeg[jpeg.index(b"\xff\xdb") : jpeg.index(b"\xff\xc0")]
            file.write(jpeg.replace(tables, b"") if tables == last else jpeg)
            last = tables
    source = FileSource(film)

    errors = []
    for number in range(9):
        source.grab()
        if number % 4 == 0:
            frame = source.retrieve()
            assert frame
            errors.append(float(cv2.absdiff(frame.image, room).mean()))

    assert max(errors) < 5
