"""Sources are read twice, by ./usbcam before a start and by the camera: both understand one table of them alike."""

import pytest

from camera.config.camera_list import CameraConfigError, expand_cameras
from camera.config.settings import Settings
from camera.config.source_spec import DeviceSpec, FileSpec, NetworkSpec, SyntheticSpec, parse_source
from cli.settings import check, effective
from cli.settings.dotenv import env_file
from cli.settings.names import EXAMPLE, SETTING, is_secret
from cli.settings.rules.cameras import cameras, source
from tests.edge.config.camera_urls import ADDRESSES, SECRET, USER

NAMES = SETTING.findall(EXAMPLE.read_text(encoding="utf-8"))
NO_SETTINGS = env_file.parse(b"")
RIGHT_ADDRESSES = [
    "rtsp://cam", "rtsp://cam/live", "RTSP://cam:554/live?ch=1", "rtsps://me:p%40ss@cam:322/x", "http://10.0.0.7/snap.jpg",
    "https://[fe80::1]:8443/x#t", "http://küche.example/x", "rtmp://cam/live", "udp://239.0.0.1:1234", "srt://cam:9000?a=b",
    "tcp://cam:1", "rtp://cam:5004", "rtsp://me@cam/x", "rtsp://me:@cam/x", "rtsp://me:a:b@cam/x", "rtsp://cam/a,b=c;d",
]  # fmt: skip
WRONG_ADDRESSES = [
    "rtsp://", "rtsp:///x", "rtsp://:554/x", "rtsp://cam:0/x", "rtsp://cam:65536/x", "rtsp://cam:x/x", "rtsp://ca m/x",
    "rtsp://cam/x@y", "rtps://cam/x", "file:///x.mp4", "onvif://cam", "://cam", "rtsp://a..b/x", "rtsp://[::1/x",
    "rtsp://cam,rtsp://other", "http://me:p#w@cam/x", "http://me:p/w@cam/x", "http://me:p?w@cam/x",
]  # fmt: skip
# Each source, what the camera takes it for, and whether ./usbcam lets it pass where the camera is a container.
SOURCES = {
    "auto": (DeviceSpec, True), "0": (DeviceSpec, True), "12": (DeviceSpec, True), "serial:A1-B2": (DeviceSpec, True),
    "/dev/video0": (DeviceSpec, True), "/dev/v4l/by-id/usb-C615-video-index0": (DeviceSpec, True),
    "/dev/v4l/by-path/pci-0000:00:14.0-usb-0:1:1.0-video-index0": (DeviceSpec, True), "demo": (SyntheticSpec, True),
    "serial:": (DeviceSpec, False), "/dev/video": (DeviceSpec, False), "/dev/video0,/dev/video1": (DeviceSpec, False),
    "2026-11-22T06:33:25.mp4": (FileSpec, False), "visit.mp4": (FileSpec, False), "/films/a:b.mp4": (FileSpec, False),
    "Auto": (FileSpec, False), "-1": (FileSpec, False), "10.0.0.7": (FileSpec, False), "usb": (FileSpec, False),
    "captures, demo": (FileSpec, False), "video0": (FileSpec, False), "rtsp:/cam/x": (FileSpec, False),
    **dict.fromkeys(RIGHT_ADDRESSES, (NetworkSpec, True)), **dict.fromkeys(WRONG_ADDRESSES, (NetworkSpec, False)),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _containers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.settings.rules.hosts.shutil.which", lambda _: "/usr/bin/docker")


@pytest.mark.parametrize(("text", "kind", "passes"), [(text, *row) for text, row in SOURCES.items()])
def test_both_understand_a_source_alike(text: str, kind: type, passes: bool) -> None:  # noqa: FBT001 -- a column
    spec = parse_source(text)

    assert type(spec) is kind
    assert (source(text, NO_SETTINGS) is None) is passes
    if isinstance(spec, NetworkSpec):
        assert (spec.parsed.problem is None) is passes


@pytest.mark.parametrize("address", ADDRESSES)
def test_both_find_a_fault_in_the_same_addresses(address: str) -> None:
    spec = parse_source(address)

    if isinstance(spec, NetworkSpec):
        assert (source(address, NO_SETTINGS) is None) is (spec.parsed.problem is None)
    else:
        assert source(address, NO_SETTINGS) is not None


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("a=demo b=demo", True), ("a=0 b=rtsp://cam/x,y", True), ("a=/dev/video0", True),
        ("a=serial:1 b=serial:2", True),
        ("a=demo,b=demo", False), ("a=demo, b=demo", False), ("a=0,b=1", False), ("a=rtsp://h/1,b=rtsp://h/2", False),
        ("a=demo a=demo", False), ("a", False), ("=demo", False), ("a=", False), ("a b=demo", False),
        ("a=auto b=0", False), ("a=/dev/video0 b=/dev/video0", False), ("a=/dev/video0 b=0", False),
        ("-a=demo", False), ("rtsp://cam", False), ("a=demo,", False),
    ],
)  # fmt: skip
def test_both_understand_a_list_of_cameras_alike(text: str, passes: bool) -> None:  # noqa: FBT001 -- a column
    try:
        expanded = bool(expand_cameras(Settings(cameras=text)))
    except CameraConfigError:
        expanded = False

    assert (expanded, cameras(text, NO_SETTINGS) is None) == (passes, passes)


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_setting_shows_a_part_of_an_address(address: str) -> None:
    like_one = set("@?&=") & set(address)
    names = [name for name in NAMES if not is_secret(name) and name != "ROLE"] if like_one else ["CAMERA_SOURCE"]
    lists = [form.format(address) for form in ("a={}", "{}", "a={0} b={0}", "a=demo {}", "a.{}=1", "{}.MIN_FACE_PX=1")]
    files = ["\n".join(f"{name}='{address}'" for name in names), f"CAMERA_SOURCE={address}", f"CAMERAS=a={address}"]
    files += [f"{name}='{value}'" for name in ("CAMERAS", "CAMERA_SETTINGS") for value in lists]

    for content in files:
        env = env_file.parse(f"ROLE=edge\n{content}\n".encode())
        said = [*map(str, check.problems(env, ["edge", "cloud"]))]
        said += effective.lines(env, ["edge", "cloud"]) if content is files[0] else ()
        assert [each for each in said if SECRET.lower() in each.lower() or USER in each] == [], content


LONG, DEEP, BRACKETS = "x" * 5000, "a/" * 3000, "http://[::1"


@pytest.mark.parametrize(
    "value", [LONG, DEEP, BRACKETS, "{" * 50, "\\", "%", "1e999", "٣", "-", "=", ".", "/", "http://", "é" * 300]
)
def test_any_value_of_any_setting_gets_an_answer(value: str) -> None:
    env = env_file.parse("\n".join(f"{name}='{value}'" for name in NAMES).encode())

    assert len(check.problems(env, ["edge", "cloud"])) > 0
