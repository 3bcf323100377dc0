"""What is shown of an address: scheme, host and port, or less; and what is said of a wrong one."""

from typing import ClassVar

import pytest
from pydantic import BaseModel

from camera.config.camera_list import CameraConfigError, expand_cameras
from camera.config.camera_url import parse_url
from camera.config.settings import Settings
from camera.config.source_spec import parse_source
from common.runtime.settings import SettingsError, read_settings
from tests.edge.config.camera_urls import ADDRESSES, SECRET, USER


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_address_shows_its_password_or_user(address: str) -> None:
    settings, spec = Settings(camera_source=address), parse_source(address)

    shown = f"{settings!r} {settings} {spec!r} {spec} {parse_url(address)!r} {parse_url(address).problem}"

    assert SECRET not in shown
    assert USER not in shown


@pytest.mark.parametrize(
    "cameras",
    ["{0}", "a={0} b={0}", "{0}=demo", "a=demo {0}", "a={0} a=demo", "a=demo,b={0}", "a= {0}", "a=rtsp://x y={0} {0}"],
)
def test_no_list_of_cameras_shows_a_password(cameras: str) -> None:
    assert shown_by("cameras", [cameras.format(address) for address in ADDRESSES]) == []


@pytest.mark.parametrize("setting", ["CAMERA_SETTINGS", "CAMERA_NAME", "MASKS", "EDGE_BROKER_HOST", "SCHEDULE"])
def test_an_address_in_a_wrong_place_shows_no_password(setting: str) -> None:
    assert shown_by(setting.lower(), [f"a={address} b={address}" for address in ADDRESSES]) == []


def shown_by(setting: str, values: list[str]) -> list[str]:
    """Those values of a setting of which something is shown that nobody may see."""
    shown = []
    for value in values:
        said = said_of_settings({setting: value})
        if SECRET in said or USER in said:
            shown.append(value)
    return shown


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://me:secret@cam/live", "rtsp://cam"),
        ("rtsp://me:secret@cam:8554/live", "rtsp://cam:8554"),
        ("RTSP://cam:554/live", "rtsp://cam"),
        ("http://me:p@ss@cam.local:8080/live?key=1", "http://cam.local:8080"),
        ("https://[fe80::1]/x", "https://[fe80::1]"),
        ("http://küche.example/x", "http://küche.example"),
    ],
)
def test_scheme_host_and_port_are_shown(address: str, shown: str) -> None:
    assert parse_url(address).problem is None
    assert str(parse_source(address)) == shown


@pytest.mark.parametrize("mark", "#/?")
def test_what_must_be_encoded_is_said(mark: str) -> None:
    problem = parse_url(f"rtsp://me:se{mark}cret@cam/live").problem

    assert problem
    assert "# is %23, / is %2F, ? is %3F, @ is %40" in problem


def test_a_wrong_scheme_is_said() -> None:
    assert "has a scheme that is not understood: write rtsp://" in (parse_url("rtps://cam/live").problem or "")


@pytest.mark.parametrize("cameras", ["a=demo,b=demo", "a=demo, b=demo", "a=0,b=1", "a=rtsp://h/1,b=rtsp://h/2"])
def test_a_comma_between_cameras_is_said(cameras: str) -> None:
    with pytest.raises(CameraConfigError, match="CAMERAS has a comma between two cameras: put a space there"):
        expand_cameras(Settings(cameras=cameras))


def test_a_comma_between_settings_is_said() -> None:
    with pytest.raises(CameraConfigError, match="CAMERA_SETTINGS has a comma between two settings"):
        expand_cameras(Settings(cameras="a=demo b=demo", camera_settings="a.MIN_FACE_PX=80,b.MIN_FACE_PX=70"))


class Given(Settings):
    """The settings of one test: to read the environment and .env takes longer than all else, 1,500 times."""

    values: ClassVar[dict[str, str]] = {}

    def __init__(self) -> None:
        BaseModel.__init__(self, **self.values)


def said_of_settings(given: dict[str, str]) -> str:
    """What is shown of the cameras that these settings name, or what is said to be wrong."""
    Given.values = given
    try:
        return repr([camera.source for camera in expand_cameras(read_settings(Given))])
    except (CameraConfigError, SettingsError) as error:
        return str(error)
