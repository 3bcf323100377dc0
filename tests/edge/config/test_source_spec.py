"""What each CAMERA_SOURCE names."""

from pathlib import Path

import pytest

from camera.config.settings import Settings
from camera.config.source_spec import (
    DeviceSpec,
    FileSpec,
    NetworkSpec,
    SourceSpec,
    SyntheticSpec,
    parse_source,
)

DEVICES = Path("/host/dev")


@pytest.mark.parametrize(
    ("text", "spec", "shown"),
    [
        ("demo", SyntheticSpec(), "demo"),
        ("rtsp://me:secret@cam/live", NetworkSpec("rtsp://me:secret@cam/live"), "rtsp://cam"),
        ("visit.mp4", FileSpec(Path("visit.mp4")), "visit.mp4"),
        ("/films/dev/visit.mp4", FileSpec(Path("/films/dev/visit.mp4")), "/films/dev/visit.mp4"),
        ("serial:A1", DeviceSpec("serial:A1", serial="A1"), "serial:A1"),
    ],
)
def test_a_source_is_one_of_four_kinds(text: str, spec: SourceSpec, shown: str) -> None:
    assert parse_source(text) == Settings(camera_source=text).source == spec
    assert str(spec) == shown


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("0", "/host/dev/video0"),
        ("/dev/video12", "/host/dev/video12"),
        ("/dev/v4l/by-id/usb-C615-video-index0", "/host/dev/v4l/by-id/usb-C615-video-index0"),
        ("serial:A1", None),
        ("auto", None),
    ],
)
def test_a_device_is_below_the_hosts_dev(text: str, node: str | None) -> None:
    spec = parse_source(text)

    assert isinstance(spec, DeviceSpec)
    assert spec.node_path(DEVICES) == (None if node is None else Path(node))
    assert spec.is_any == (text == "auto")


def test_one_device_is_the_same_however_it_is_spelled() -> None:
    assert parse_source("3") == parse_source("/dev/video3")
    assert str(parse_source("3")) == "/dev/video3"
    assert parse_source("serial:") != parse_source("auto")


def test_a_password_is_in_no_representation() -> None:
    spec = parse_source("rtsp://me:secret@cam/live")

    assert "secret" not in repr(spec) + str(spec)
