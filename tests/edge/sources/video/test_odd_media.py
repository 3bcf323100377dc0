"""Videos that readers stumble over: each frame is a true picture, or there is a sentence."""

import os
import random
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from camera.sources.frame import Image, SourceEndedError, SourceError
from camera.sources.video.container import VideoContainer
from camera.sources.video.file import FileSource
from tests.edge.sources.video.odd_media import INTERLACE, SQUASH, case, encoded, make_video, noise, spoiled, zeros


def frames_of(file: Path) -> tuple[list[Image], list[float]]:
    """All images of a file, and all times."""
    source, images, times = FileSource(file), list[Image](), list[float]()
    while True:
        try:
            times.append(source.grab())
        except SourceEndedError:
            source.close()
            return images, times
        frame = source.retrieve()
        if frame is not None:
            images.append(frame.image)


def difference(one: Image, other: Image) -> float:
    return float(cv2.absdiff(one, other).mean())


@pytest.mark.parametrize(
    ("name", "codec"),
    [("h264.mp4", "libx264"), ("h264.ts", "libx264"), ("mpeg2.mpg", "mpeg2video"), ("mpeg4.avi", "mpeg4")],
)
def test_interlaced_video_is_shown_as_it_was(tmp_path: Path, name: str, codec: str) -> None:
    interlaced, _ = frames_of(make_video(tmp_path / name, *INTERLACE, "-c:v", codec, "-q:v", "2"))
    whole, _ = frames_of(make_video(tmp_path / f"whole-{name}", "-r", "25", "-c:v", codec, "-q:v", "2"))

    assert len(interlaced) >= 20
    assert all(min(difference(image, other) for other in whole) < 8 for image in interlaced)


def test_the_interlaced_case_is_no_longer_black() -> None:
    interlaced, _ = frames_of(case("interlaced_testsrc.mp4"))
    whole, _ = frames_of(case("2026-11-22T06:33:25.mp4"))

    assert len(interlaced) == len(whole) == 60
    assert max(difference(*pair) for pair in zip(interlaced, whole, strict=True)) < 10


def test_what_follows_damage_is_not_shown_until_a_frame_that_is_complete_in_itself(tmp_path: Path) -> None:
    whole = make_video(tmp_path / "whole.mkv", "-s", "160x120", "-c:v", "libx264", "-g", "10", "-bf", "0")
    content = whole.read_bytes()
    pieces = [len(content) * share // 10 for share in (2, 5)]
    for begin in pieces:
        content = content[:begin] + random.Random(begin).randbytes(300) + content[begin + 300 :]
    (tmp_path / "damaged.mkv").write_bytes(content)

    truth, _ = frames_of(whole)
    images, _ = frames_of(tmp_path / "damaged.mkv")

    assert 15 < len(images) < len(truth) == 50
    assert max(min(cv2.absdiff(image, other).mean() for other in truth) for image in images) < 1


@pytest.mark.parametrize(
    ("codec", "spoilt"),
    [
        ("libx264", {1: noise, 5: noise, 10: zeros}),
        ("libx265", {8: zeros, 12: noise, 20: zeros}),
        ("mpeg4", {5: noise, 10: zeros}),
    ],
)
def test_damage_inside_one_frame_is_not_shown(
    tmp_path: Path, codec: str, spoilt: dict[int, Callable[[bytes], bytes]]
) -> None:
    whole = encoded(tmp_path / "whole.mkv", codec)
    truth = images_by_time(whole)
    assert len(truth) == 30

    for number, spoil in spoilt.items():
        images = images_by_time(spoiled(whole, number, spoil, tmp_path / "spoiled.mkv"))
        assert len(images) < 30, number
        assert max(cv2.absdiff(image, truth[time]).mean() for time, image in images.items()) < 1, number


def images_by_time(file: Path) -> dict[int, Image]:
    video = VideoContainer(str(file))
    images = {frame.pts: video.image(frame) for frame in video.frames() if frame is not None}
    video.close()
    return {time: image for time, image in images.items() if image is not None}


def test_an_image_on_a_cover_is_no_video(tmp_path: Path) -> None:
    cover = ("-f", "lavfi", "-i", "sine=duration=1", "-map", "1", "-map", "0", "-frames:v", "1", "-c:v", "mjpeg")
    file = make_video(tmp_path / "song.mp3", *cover, "-disposition:v", "attached_pic")

    with pytest.raises(SourceError, match="is not a video that can be read"):
        FileSource(file)


@pytest.mark.parametrize("name", ["jump_back_1h.ts", "jump_forward_1h.ts"])
def test_a_jump_of_the_time_stamps_is_a_cut(name: str) -> None:
    images, times = frames_of(case(name))
    source = FileSource(case(name))
    source.grab()
    frame = source.retrieve()
    source.close()

    assert len(images) == 60
    assert times == sorted(set(times))
    assert times[-1] < 10
    assert frame is not None
    assert case(name).stat().st_mtime - frame.captured_at.timestamp() < 10  # its header may speak of an hour


@pytest.mark.parametrize("name", ["2026-11-22T06:33:25.mp4", "rtsp:x.mp4", "a@b=c&d.mp4", "ö %20 %d.mp4"])
def test_a_file_may_be_called_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    make_video(tmp_path / "plain.mp4").rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)

    assert len(frames_of(Path(name))[0]) == 50


def test_pixels_become_square(tmp_path: Path) -> None:
    images, _ = frames_of(make_video(tmp_path / "wide.mp4", *SQUASH))

    assert images[0].shape == (240, 640, 3)


def test_a_file_of_a_turned_camera_is_upright(tmp_path: Path, face_frame: Image) -> None:
    exif = b"\xff\xe1\x00\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    jpeg = cv2.imencode(".jpg", face_frame)[1].tobytes()
    (tmp_path / "turned.jpg").write_bytes(jpeg[:2] + exif + jpeg[2:])
    upright = cv2.imread(str(tmp_path / "turned.jpg"))
    assert upright is not None

    (image,), _ = frames_of(tmp_path / "turned.jpg")

    assert image.shape == upright.shape == (640, 480, 3)
    assert difference(image, upright) < 3


def test_a_file_without_a_whole_frame_is_a_sentence(tmp_path: Path, face_frame: Image) -> None:
    jpeg = cv2.imencode(".jpg", face_frame)[1].tobytes()
    (tmp_path / "half.jpg").write_bytes(jpeg[: len(jpeg) // 2])

    with pytest.raises(SourceError, match="holds no frame that can be decoded"):
        frames_of(tmp_path / "half.jpg")


def test_what_holds_only_sound_is_no_video(tmp_path: Path) -> None:
    sound = make_video(tmp_path / "sound.wav", scene="sine=duration=1")

    with pytest.raises(SourceError, match="is not a video that can be read"):
        FileSource(sound)


def test_an_address_that_was_mistyped_is_called_one(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="An address begins with rtsp:// or http://") as caught:
        FileSource(tmp_path / "admin:secret@cam")

    assert "secret" not in str(caught.value)


def test_a_file_that_breaks_off_is_a_sentence(tmp_path: Path, face_frame: Image) -> None:
    png = bytearray(cv2.imencode(".png", face_frame)[1].tobytes())
    png[len(png) // 2] ^= 1  # a library's own word for damage, not FFmpeg's
    (tmp_path / "broken.png").write_bytes(png)

    with pytest.raises(SourceError, match="holds no frame that can be decoded: try another"):
        frames_of(tmp_path / "broken.png")


@pytest.mark.parametrize(
    ("name", "said"), [("folder", "is not a file"), ("pipe", "is not a file"), ("a" * 300, "cannot be read")]
)
def test_what_is_no_file_is_called_that(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(SourceError, match=said):
        FileSource(tmp_path / name)


def test_a_file_that_may_not_be_read_is_called_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "private.mp4").touch(mode=0)
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may read everything

    with pytest.raises(SourceError, match=r"cannot be read \(Permission denied\): let the camera's user read it"):
        FileSource(tmp_path / "private.mp4")
