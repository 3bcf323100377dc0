"""Odd pictures and videos, made here and collected beside this repository, on the whole path: nobody breaks on them."""

import json
import os
from pathlib import Path

import pytest

from camera.config.settings import Settings
from camera.diagnostics.offline import extract_captures
from gallery.pictures.pixel_budget import PixelBudget
from gallery.pictures.shrinking import NoImageError, shrink
from tests.edge.sources.video.odd_media import CASES, INTERLACE, SQUASH, make_video
from tests.outside.odd_images import DAMAGED, RARE, WHOLE
from tests.support.programs import launcher
from uploader.ingest.image import NotAnImageError, validate_image

PIXELS = 50_000_000
DITHERED = "1.png"  # black and white dots: read, but nobody's face to a detector
SCENE = "testsrc=size=160x120:rate=25:duration=1"
VIDEOS: dict[str, tuple[str, ...]] = {
    "uneven.mp4": ("-vf", "select=not(mod(n\\,3))+lt(n\\,9)", "-fps_mode", "vfr", "-c:v", "libx264"),
    "b-frames.mp4": ("-bf", "3", "-c:v", "libx264"),
    "turned.mp4": ("-metadata:s:v", "rotate=90", "-c:v", "libx264"),
    "interlaced.ts": (*INTERLACE, "-c:v", "mpeg2video"),
    "squashed.mkv": (*SQUASH, "-c:v", "libx264"),
    "ten-bits.mp4": ("-pix_fmt", "yuv420p10le", "-c:v", "libx264"),
    "odd-size.avi": ("-vf", "scale=161:121", "-c:v", "mjpeg", "-pix_fmt", "yuvj420p"),
    "no-container.h264": ("-c:v", "libx264"),
    "transparent.webm": ("-pix_fmt", "yuva420p", "-c:v", "libvpx", "-auto-alt-ref", "0"),
    "animation.gif": (),
    "recording.mp4": ("-c:v", "libx264", "-movflags", "frag_keyframe+empty_moov", "-g", "5"),
}


@pytest.fixture(scope="module")
def made() -> dict[str, bytes]:
    return {name: make() for name, make in (WHOLE | DAMAGED | RARE).items()}


@pytest.fixture
def images(tmp_path: Path, made: dict[str, bytes]) -> list[Path]:
    """All of them as files."""
    for name, image in made.items():
        (tmp_path / name).write_bytes(image)
    return sorted(tmp_path.iterdir())


def test_detect_has_a_line_or_a_sentence_for_each_picture_and_calls_no_damaged_one_whole(
    tmp_path: Path, images: list[Path]
) -> None:
    environment = {"PATH": os.environ["PATH"]}

    done = launcher.run("camera", "detect", *(each.name for each in images), folder=tmp_path, environment=environment)

    faces = {line["image"]: len(line["faces"]) for line in map(json.loads, done.stdout.splitlines())}
    refused = [
        line.split()[1] for line in done.stderr.splitlines() if line.endswith("is not an image that can be read.")
    ]
    assert sorted([*faces, *refused]) == [each.name for each in images]
    assert {name: faces.get(name) for name in WHOLE} == dict.fromkeys(WHOLE, 1) | {DITHERED: 0}
    assert set(refused) >= set(DAMAGED)


def test_uploader_and_gallery_agree_on_what_a_picture_is(images: list[Path]) -> None:
    verdicts = {file.name: (_taken(file.read_bytes()), _shown(file.read_bytes())) for file in images}

    assert {name: verdict for name, verdict in verdicts.items() if verdict[0] != verdict[1]} == {}
    assert {name for name, verdict in verdicts.items() if verdict == (True, True)} >= set(WHOLE)


def _taken(image: bytes) -> bool:
    try:
        validate_image(image, PIXELS)
    except NotAnImageError:
        return False
    return True


def _shown(image: bytes) -> bool:
    try:
        return shrink(image, PixelBudget(PIXELS)).startswith(b"\xff\xd8")
    except NoImageError:
        return False


def test_the_collected_pictures_are_the_same_to_uploader_and_gallery() -> None:
    if not CASES.is_dir():
        pytest.skip("the collected cases are not beside this folder")
    for file in CASES.rglob("*"):
        if file.suffix in {".jpg", ".png", ".bmp"}:
            assert _taken(file.read_bytes()) == _shown(file.read_bytes()), file.name


def test_captures_reads_every_odd_video_to_its_end(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for name, options in VIDEOS.items():
        make_video(tmp_path / name, *options, scene=SCENE)
    whole = (tmp_path / "recording.mp4").read_bytes()
    (tmp_path / "recording.mp4").write_bytes(whole[: len(whole) * 2 // 3])

    codes = {name: extract_captures(Settings(), str(tmp_path / name), tmp_path / "kept") for name in VIDEOS}

    assert codes == dict.fromkeys(codes, 0)
    assert capfd.readouterr().err == ""


def test_captures_of_an_odd_picture_ends_with_a_sentence_at_most(
    images: list[Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    codes = {file.name: extract_captures(Settings(motion="off"), str(file), tmp_path / "kept") for file in images}

    said = capfd.readouterr().err.splitlines()
    assert len(said) == sum(codes.values())
    assert all(line.startswith("camera: ") and line.endswith(".") for line in said)
    assert {name for name, code in codes.items() if code} >= set(DAMAGED)
    assert not {name for name, code in codes.items() if code} & set(WHOLE)
