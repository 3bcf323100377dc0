"""Formats: what is requested, what is fallen back to, and what is said about it."""

import logging

import pytest

from tests.edge.sources.v4l2.fake_v4l2 import FakeCamera, FakeMachine
from tests.edge.sources.v4l2.rig import camera_at, one_frame, problem


def test_it_asks_for_mjpg_and_tells_what_it_got(here: FakeMachine, caplog: pytest.LogCaptureFixture) -> None:
    here.plug(FakeCamera(rates=(10.0,)))

    with caplog.at_level(logging.INFO):
        one_frame(camera_at(here, frame_width=800, frame_height=600, frame_rate=15))

    assert [record.message for record in caplog.records] == [
        "Opened /dev/video0: MJPG 640x480 at 10 frames a second",
        "/dev/video0 gives 640x480 and not 800x600",
    ]


@pytest.mark.parametrize(
    "camera", [FakeCamera(sizes={"YUYV": ((320, 240),)}), FakeCamera(sets_instead="YUYV")], ids=["absent", "refused"]
)
def test_a_camera_without_mjpg_gives_raw_images_and_a_warning(
    here: FakeMachine, caplog: pytest.LogCaptureFixture, camera: FakeCamera
) -> None:
    here.plug(camera)

    frame = one_frame(camera_at(here))

    assert frame.image.shape == (240, 320, 3)
    assert 10 < frame.image.mean() < 120
    assert frame.jpeg is None
    assert "/dev/video0 gives YUYV and not MJPG" in caplog.text


def test_a_camera_that_only_has_what_nobody_understands_is_refused(here: FakeMachine) -> None:
    here.plug(FakeCamera(sizes={"HEVC": ALL, "Y16 -BE": ALL}, sets_instead="HEVC"))

    assert problem(camera_at(here)) == (
        "The camera /dev/video0 gives HEVC, Y16 -BE, none of which is understood; these are: "
        "MJPG, JPEG, YUYV, UYVY, YVYU, NV12, NV21, YU12, YV12, BGR3, RGB3, H264, GREY, Y16."
    )


ALL = ((320, 240),)


@pytest.mark.parametrize("fourcc", ["UYVY", "YVYU", "NV12", "YU12", "GREY", "Y16 ", "BGR3", "RGB3"])
def test_a_camera_with_one_raw_format_alone_is_used(here: FakeMachine, fourcc: str) -> None:
    here.plug(FakeCamera(sizes={"Y16 -BE": ALL, fourcc: ALL}, sets_instead=fourcc))

    assert one_frame(camera_at(here)).image.shape == (240, 320, 3)


def test_without_bandwidth_it_takes_fewer_frames_and_then_smaller_ones(
    here: FakeMachine, caplog: pytest.LogCaptureFixture
) -> None:
    camera = FakeCamera(bandwidth=1280 * 720 * 8)
    here.plug(camera)
    wanted: dict[str, object] = {"frame_width": 1280, "frame_height": 720, "frame_rate": 15}
    slower, smaller = camera_at(here, "auto", **wanted), camera_at(here, "auto", **wanted)

    one_frame(slower)
    camera.bandwidth = 640 * 480 * 20
    one_frame(smaller)

    assert slower.negotiated.endswith("MJPG 1280x720 at 7.5 frames a second")
    assert smaller.negotiated.endswith("MJPG 640x480 at 15 frames a second")
    assert "no USB bandwidth for MJPG 1280x720 at 15 frames a second, trying less" in caplog.text


def test_without_any_bandwidth_it_speaks_of_the_bus_and_not_of_the_disk(here: FakeMachine) -> None:
    here.plug(FakeCamera(bandwidth=0))

    said = problem(camera_at(here))

    assert "its USB bandwidth is taken by other devices (this is not about disks)" in said
