"""A camera that is open: read, and watched for what cameras do wrong."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest

from camera.sources.frame import SourceError
from camera.sources.v4l2 import stream as device
from camera.sources.v4l2.jpeg import decode
from tests.edge.sources.v4l2.fake_v4l2 import FakeCamera, FakeMachine
from tests.edge.sources.v4l2.rig import STOP, camera_at, problem


def test_a_frame_has_the_drivers_time_and_the_cameras_own_jpeg(here: FakeMachine) -> None:
    here.plug(FakeCamera())
    source = camera_at(here).open(STOP)

    seconds = source.grab()
    now, wall = time.monotonic(), datetime.now(UTC)
    frame = source.retrieve()
    source.close()

    assert frame
    assert frame.seconds == seconds
    assert 0.019 < now - seconds < 1
    assert (wall - frame.captured_at).total_seconds() == pytest.approx(now - seconds, abs=0.01)
    assert frame.jpeg
    again = decode(frame.jpeg)
    assert again is not None
    assert np.array_equal(again, frame.image)


def test_without_the_drivers_time_the_arrival_counts(here: FakeMachine) -> None:
    here.plug(FakeCamera(clock=False))
    source = camera_at(here).open(STOP)

    before = time.monotonic()
    source.grab()
    seconds = source.grab()
    source.close()

    assert before <= seconds <= time.monotonic()


def test_a_time_stamp_of_the_future_counts_as_now(here: FakeMachine) -> None:
    here.plug(FakeCamera(ahead=0.1))
    source = camera_at(here).open(STOP)

    seconds = source.grab()
    source.close()

    assert seconds <= time.monotonic()


@pytest.mark.parametrize(
    "fault",
    [
        {"spoil": lambda jpeg: jpeg[: len(jpeg) // 2]},
        {"spoil": lambda jpeg: jpeg[: len(jpeg) // 2] + jpeg[-2:]},
        {"spoil": lambda _: b""},
        {"spoil": lambda jpeg: b"\xff\xd8" + bytes(200) + jpeg[-2:]},
        {"damaged": True},
    ],
    ids=["truncated", "with a gap", "empty", "nonsense", "marked by the driver"],
)
def test_a_damaged_image_is_refused(here: FakeMachine, fault: dict[str, object]) -> None:
    camera = FakeCamera()
    here.plug(camera)
    source = camera_at(here).open(STOP)
    source.grab()
    assert source.retrieve() is not None

    for name, value in fault.items():
        setattr(camera, name, value)
    source.grab()
    source.grab()

    assert source.retrieve() is None
    source.close()


def test_a_camera_that_sends_damaged_images_only_is_opened_again(
    here: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "CORRUPT_SECONDS", 0.1)
    here.plug(FakeCamera(damaged=True))
    source = camera_at(here).open(STOP)

    with pytest.raises(SourceError, match="sends damaged images only: try another cable"):
        look_for(source, seconds=5)
    source.close()


@pytest.mark.parametrize("spoil", [lambda jpeg: jpeg[:-2], lambda jpeg: jpeg + b"\xff" * 9], ids=["cut", "padded"])
def test_images_without_an_end_or_with_bytes_behind_it_are_used(
    here: FakeMachine, spoil: Callable[[bytes], bytes]
) -> None:
    here.plug(FakeCamera(spoil=spoil))
    source = camera_at(here).open(STOP)

    source.grab()
    frame = source.retrieve()
    source.close()

    assert frame
    assert frame.jpeg
    assert frame.jpeg.endswith(b"\xff\xd9")


def test_when_no_frame_can_be_decoded_the_next_format_is_tried(
    here: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "CORRUPT_SECONDS", 0.1)
    here.plug(FakeCamera(spoil=lambda sent: b"" if sent.startswith(b"\xff\xd8") else sent))
    camera = camera_at(here)
    source = camera.open(STOP)

    with pytest.raises(SourceError, match=r"No MJPG of the camera /dev/video0 can be decoded; trying its next format"):
        look_for(source, seconds=5)
    source.close()
    source = camera.open(STOP)
    source.grab()
    frame = source.retrieve()
    source.close()

    assert frame
    assert "YUYV" in camera.negotiated


def test_when_no_format_can_be_decoded_the_cable_is_suspected(
    here: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "CORRUPT_SECONDS", 0.1)
    here.plug(FakeCamera(spoil=lambda _: b""))
    camera = camera_at(here)
    for _ in range(2):
        source = camera.open(STOP)
        with pytest.raises(SourceError, match="trying its next format"):
            look_for(source, seconds=5)
        source.close()
    source = camera.open(STOP)

    with pytest.raises(SourceError, match="try another cable"):
        look_for(source, seconds=5)
    source.close()


def test_the_frame_before_given_as_a_success_is_refused(here: FakeMachine) -> None:
    camera = FakeCamera()
    here.plug(camera)
    source = camera_at(here).open(STOP)
    source.grab()
    source.grab()

    camera.repeats = True

    with pytest.raises(SourceError, match="sends nothing"):
        source.grab()
    assert source.retrieve() is None
    source.close()


def test_a_silent_camera_is_given_up_after_two_seconds(here: FakeMachine) -> None:
    camera = FakeCamera()
    here.plug(camera)
    source = camera_at(here).open(STOP)
    source.grab()
    camera.silent = True
    began = time.monotonic()

    with pytest.raises(SourceError, match="sends nothing; opening it again"):
        source.grab()

    assert time.monotonic() - began >= device.FRAME_TIMEOUT_SECONDS
    assert source.retrieve() is None
    source.close()


def test_a_camera_may_be_silent_as_long_as_its_rate_asks(here: FakeMachine) -> None:
    assert camera_at(here, frame_rate=0.1).timeouts.grab_seconds > 30
    assert camera_at(here, frame_rate=30).timeouts.grab_seconds < 3


def test_a_frozen_image_is_noticed_and_tried_again_once(here: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "FROZEN_SECONDS", 0.2)
    here.plug(FakeCamera(frozen=True))
    camera = camera_at(here)
    source = camera.open(STOP)

    with pytest.raises(SourceError, match="image of the camera /dev/video0 is frozen"):
        look_for(source, seconds=5)
    source.close()
    source = camera.open(STOP)

    look_for(source, seconds=0.5)  # a still image then, like that of a grabber without a signal
    source.close()


def look_for(source: device.V4l2Stream, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        source.grab()
        source.retrieve()


def test_silent_nodes_of_a_board_are_soon_given_up(here: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "FIRST_FRAME_SECONDS", 60.0)
    monkeypatch.setattr(device, "FRAME_TIMEOUT_SECONDS", 0.1)
    here.plug(FakeCamera(silent=True, on_usb=False))

    assert "sends nothing" in problem(camera_at(here))
