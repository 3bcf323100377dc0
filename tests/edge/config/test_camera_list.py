"""Several cameras, each with settings of its own."""

import pytest

from camera.config.camera_list import CameraConfigError, expand_cameras
from camera.config.settings import Settings
from tests.edge.rig import Run


def read(text: str, changes: str = "") -> dict[str, Settings]:
    settings = Settings(cameras=text, camera_settings=changes, min_face_px=60)
    return {camera.camera_name: camera for camera in expand_cameras(settings)}


def test_without_a_list_there_is_the_one_camera_of_the_other_settings() -> None:
    (camera,) = expand_cameras(Settings(camera_name="door", camera_source="demo"))

    assert (camera.camera_name, camera.camera_source) == ("door", "demo")


def test_each_camera_has_its_source_and_its_own_settings() -> None:
    found = read("front=/dev/video0  porch=rtsp://me:secret@cam/stream?x=1", "front.MIN_FACE_PX=80 porch.capture=frame")

    assert [camera.camera_source for camera in found.values()] == [
        "/dev/video0",
        "rtsp://me:secret@cam/stream?x=1",
    ]
    assert (found["front"].min_face_px, found["front"].capture) == (80, "face")
    assert (found["porch"].min_face_px, found["porch"].capture) == (60, "frame")


@pytest.mark.parametrize(
    ("text", "changes", "said"),
    [
        ("front", "", "CAMERAS: front is not NAME=SOURCE"),
        ("a=demo a=demo", "", "CAMERAS names a twice"),
        ("a=/dev/video0 b=/dev/video0", "", "CAMERAS names /dev/video0 2 times"),
        ("a=/dev/video0 b=0", "", "CAMERAS names /dev/video0 2 times"),
        ("a=auto b=serial:1", "", "CAMERAS: auto takes any camera, so it cannot be one of several"),
        ("rtsp://u:secret@h/s?ch=1", "", "CAMERAS: rtsp is not NAME=SOURCE"),
        ("fr.nt=demo", "", "fr.nt.CAMERA_NAME=fr.nt must be"),
        ("a=demo", "b.MIN_FACE_PX=80", "b.MIN_FACE_PX=80 is for no camera (a)"),
        ("a=demo", "a.SPOOL_DIR=/x", "SPOOL_DIR cannot be set for one camera"),
        ("a=demo", "a.MIN_FACE_PX=tall", "a.MIN_FACE_PX=tall must be a face height"),
        ("a=demo", "a.SCHEDULE=never", "a.SCHEDULE=never must be hours like"),
    ],
)
def test_what_makes_no_sense_is_said_with_its_place(text: str, changes: str, said: str) -> None:
    with pytest.raises(CameraConfigError) as error:
        read(text, changes)

    assert said in str(error.value)
    assert ".env" in str(error.value)


@pytest.mark.parametrize("text", ["rtsp://me:secret@cam/", "a=rtsp://me:secret@cam/ b=rtsp://me:secret@cam/"])
def test_an_address_is_complained_of_without_its_password(text: str) -> None:
    with pytest.raises(CameraConfigError) as error:
        read(text)

    assert "secret" not in str(error.value)


def test_wrong_cameras_stop_the_start_with_one_sentence(run_camera: Run) -> None:
    done = run_camera(CAMERAS="front", SPOOL_DIR="spool")

    assert done.returncode == 2
    assert done.stderr == "camera: CAMERAS: front is not NAME=SOURCE, like front=/dev/video0. Change it in .env.\n"
