"""A wrong .env: one sentence with line, setting and fix, before anything starts."""

import base64
import gzip
import re
import time
from pathlib import Path

import pytest

from cli.settings import check, spoken
from cli.settings.dotenv import env_file
from tests.support.paths import ROOT

RIGHT = b"ROLE=both\nCLOUD_HOST=cam.example.com\nS3_BUCKET=faces\n"
LINE = ".env line 4: "
ENGLISH = re.compile(r"(?<![-\w])(is|has|must|write|which|the|of|and|or(?! directory)|with|set|remove|you)(?![-\w])")

# A line that is wrong, and what its sentence says besides the line.
WRONG = {
    # names
    "CAMERA_SORCE=auto": "CAMERA_SORCE is no setting; did you mean CAMERA_SOURCE?",
    "camera_source=auto": "camera_source is not in capitals; write CAMERA_SOURCE",
    "S3-BUCKET=x": "did you mean S3_BUCKET?",
    "FACE_MIN_PX=80": "did you mean MIN_FACE_PX?",
    "CAPTURE_FORMAT=jpeg": "did you mean IMAGE_FORMAT?",
    "BUKET=faces": "did you mean S3_BUCKET?",
    "AWS_DEFAULT_REGION=us-east-1": "did you mean AWS_REGION?",
    "FOO=1": "FOO is no setting; remove the line",
    "WEBCAM=/dev/video0": "did you mean CAMERA_SOURCE?",
    "MY_WEBCAM_URL=rtsp://x/y": "did you mean CAMERA_SOURCE?",
    "S3_PREFIX=faces": "did you mean S3_KEY_TEMPLATE?",
    "SLACK_WEBHOOK=x": "did you mean NOTIFY_URLS?",
    "SMTP_HOST=mail.example.com": "SMTP_HOST is no setting; remove the line",
    # form
    "export LOG_LEVEL=INFO": "LOG_LEVEL has export before it; begin the line with LOG_LEVEL=",
    "- LOG_LEVEL=INFO": "begin the line with LOG_LEVEL=",
    "$env:LOG_LEVEL=INFO": "begin the line with LOG_LEVEL=",
    "LOG_LEVEL: INFO": "LOG_LEVEL is followed by a colon; write LOG_LEVEL=VALUE",
    '"LOG_LEVEL": "INFO",': "LOG_LEVEL is followed by a colon",
    "LOG_LEVEL = INFO": "LOG_LEVEL has spaces around =; write LOG_LEVEL=VALUE without",
    "LOG_LEVEL= INFO": "spaces around =",
    "\tLOG_LEVEL=INFO": "LOG_LEVEL has a space or tab before it",
    "LOG_LEVEL INFO": "LOG_LEVEL has no = behind it; write LOG_LEVEL=VALUE",
    "LOG_LEVEL==INFO": "LOG_LEVEL has = twice",
    "LOG_LEVEL=INFO CAMERA_NAME=x": "LOG_LEVEL is followed by CAMERA_NAME on the same line",
    "LOG_LEVEL=INFO\\": "ends with a backslash",
    "S3_BUCKET=pictures": "S3_BUCKET is set again, after line 3; remove one",
    "; a comment": "a comment begins with #",
    "[camera]": ".env has no sections",
    "hello world": "write NAME=VALUE, or # before a comment",
    "LOG_LEVEL := INFO": "LOG_LEVEL is followed by :=; write LOG_LEVEL=VALUE",
    "LOG_LEVEL+=INFO": "LOG_LEVEL is followed by +=; write LOG_LEVEL=VALUE",
    '"LOG_LEVEL"=INFO': 'LOG_LEVEL has a quote " before it; write LOG_LEVEL=VALUE',
    "'LOG_LEVEL=INFO'": "LOG_LEVEL has a quote ' before it; write LOG_LEVEL=VALUE",
    "LOG LEVEL=INFO": "LOG LEVEL is no setting; did you mean LOG_LEVEL?",
    '{"LOG_LEVEL": "INFO"}': ".env is no JSON; write each setting on a line",
    "<<<<<<< HEAD": "it is a mark of a git conflict",
    # around a value
    "LIVE_PORT=8082# port": "LIVE_PORT has a comment behind it; put a space before the #",
    "LIVE_PORT=8082\t# Compose keeps the tab": "LIVE_PORT has a comment behind it; put a space before the #",
    "LIVE_PORT=8082 // port": "LIVE_PORT=8082 // port has a comment behind it; remove //",
    "LIVE_PORT=8082;": "has ; at its end; remove it",
    "LIVE_PORT='\"8082\"'": "LIVE_PORT has quotes of its own inside",
    "LIVE_PORT=LIVE_PORT=8082": "LIVE_PORT has its own name in it again",
    "CAMERA_NAME=' porch'": "has a space at its beginning or end",
    "LIVE_PORT=８０８０": "has digits of another script; type them again",  # noqa: RUF001
    'LIVE_PASSWORD="C:\\new"': "has a \\ in double quotes, which Compose replaces; take single quotes",
    # quotes, $ and #
    'LOG_LEVEL="INFO': 'LOG_LEVEL has a quote " that is not closed',
    "LOG_LEVEL=INFO'": "LOG_LEVEL ends with a quote ' that was not opened",
    "LOG_LEVEL='INFO' x": "text behind the closing quote",
    "LOG_LEVEL=“INFO”": "typographic quotes",
    "LIVE_PASSWORD=abc$def": "LIVE_PASSWORD has a $, which Compose replaces; put the value in single quotes",
    'LIVE_PASSWORD="abc${def}"': "put the value in single quotes: LIVE_PASSWORD='...'",
    "LIVE_PASSWORD=abc$$def": "LIVE_PASSWORD has a $",
    "LIVE_PASSWORD=abc #def": "would end before the #; put the value in single quotes",
    "LIVE_PASSWORD=#abc": "LIVE_PASSWORD begins with #",
    "LIVE_PASSWORD=<password>": "is still a placeholder",
    "CAMERA_NAME=por\u200bch": "CAMERA_NAME has an invisible character (U+200B)",
    # numbers
    "FRAME_WIDTH=1280px": "FRAME_WIDTH=1280px must be a number of pixels from 64 to 8192; write 1280 without px",
    "FRAME_WIDTH=12O0": "write digits alone",
    "FRAME_WIDTH=1280x720": "write digits alone",
    "FRAME_WIDTH=-5": "from 64 to 8192",
    "MIN_SCORE=0,7": "write 0.7, with a point",
    "MIN_SCORE=70%": "write 0.7",
    "SPOOL_MAX_MB=2GB": "write 2048 without GB",
    "SPOOL_MAX_MB=1e4": "write 10000",
    "S3_RETENTION_DAYS=2 years": "write 730 without years",
    "CAPTURE_INTERVAL_SECONDS=2min": "write 120 without min",
    "MAX_IMAGE_PIXELS=50MP": "write 50000000 without MP",
    "CAPTURE_MARGIN=30%": "write 0.3",
    "CLOUD_EXTRA_NAMES=cam.example.com.": "has a point at its end; write cam.example.com",
    "LIVE_PASSWORD='it's'": "has a quote ' inside; write \\' in its place",
    "S3_ENDPOINT_URL=https://store:99999": "has a wrong host or port",
    "UPLOADERS=1.5": "write a whole number",
    "MQTT_QOS=3": "must be 0, 1 or 2",
    # words
    "MOTION=maybe": "MOTION=maybe must be on or off",
    "LOG_LEVEL=debgu": "did you mean DEBUG?",
    "S3_SSE=kms": "did you mean aws:kms?",
    "S3_STORAGE_CLASS=glacier": "did you mean GLACIER?",
    # ports and addresses
    "LIVE_PORT=8080:8080": "is written as in a Compose file; write LIVE_PORT=8080",
    "LIVE_PORT=127.0.0.1:8082:8080": "write LIVE_PORT=8082, and the address in LIVE_BIND=127.0.0.1",
    "LIVE_PORT=8080/tcp": "write LIVE_PORT=8080",
    "LIVE_PORT=99999": "must be a port",
    "LIVE_BIND=localhost": "must be an IP address; write 127.0.0.1",
    "GALLERY_PORT=8080": "GALLERY_PORT and LIVE_PORT are both 8080; set another GALLERY_PORT",
    "METRICS_PORT=8081": "METRICS_PORT and GALLERY_PORT are both 8081; set another METRICS_PORT",
    "LIVE_PORT=8883": "LIVE_PORT and CLOUD_PORT are both 8883",
    "CLOUD_EXTRA_NAMES=10.0.0.256": "is a wrong address; write four numbers from 0 to 255",
    "GALLERY_URL=gallery.example.com": "has no scheme; write https://gallery.example.com",
    "COMPOSE_PROJECT_NAME=My Cam": "must be of a-z, 0-9, - and _",
    "LIVE_PORT=8081": "LIVE_PORT and GALLERY_PORT are both 8081",
    "LIVE_BIND=0.0.0.0": "set LIVE_PASSWORD, too",
    "GALLERY_BIND=0.0.0.0:8081": "write 0.0.0.0 here and GALLERY_PORT=8081",
    "CLOUD_BIND=eth0": "must be an IP address",
    "CLOUD_EXTRA_NAMES=a.example b.example": "write NAME,NAME",
    "LIVE_BIND=::1": "is an IPv6 address, which Compose wants in brackets; write [::1]",
    "CLOUD_BIND=[fe80::1%eth0]": "has a zone behind its %",
    "HOMEASSISTANT_BROKER=mqtt://ha": "has a scheme; write ha alone",
    # cameras
    "CAMERA_SOURCE=rstp://10.0.0.7/x": "has the scheme rstp://; write rtsp://",
    "CAMERA_SOURCE=rtsp:/10.0.0.7/x": "write rtsp://HOST/PATH",
    "CAMERA_SOURCE=10.0.0.7": "write rtsp://10.0.0.7",
    "CAMERA_SOURCE=video0": "write /dev/video0",
    "CAMERA_SOURCE=usb": "write auto",
    "CAMERA_SOURCE=Demo": "write demo",
    "CAMERA_SOURCE=rtsp://me:p@ss/w@10.0.0.7/x": "# is %23",
    "CAMERAS=front=/dev/video0,porch=/dev/video1": "CAMERAS has a comma between two cameras; put a space there",
    "CAMERAS=front=/dev/video0, porch=/dev/video1": "put a space there",
    "CAMERAS=/dev/video0 /dev/video1": "write front=/dev/video0",
    "CAMERAS=front=rstp://x/y": "has front, which has the scheme rstp://; write rtsp://",
    "CAMERAS=front=/dev/video0;porch=/dev/video1": "has a semicolon between two cameras; put a space there",
    "CAMERAS=front = /dev/video0": "has a space around =",
    "CAMERA_SOURCE=/dev/vidoe0": "write /dev/video0",
    "CAMERA_SOURCE=/dev/video0:/dev/video0": "is written as in a Compose file; write /dev/video0",
    "CAMERA_SOURCE=v4l2:///dev/video0": "has a scheme before a device; write /dev/video0",
    "CAMERA_SOURCE=serial: 1234": "has a space behind serial:; remove it",
    "CAMERA_SOURCE=rtsp://10.0.0.300/x": "has a wrong address; it is four numbers from 0 to 255",
    "CAMERA_SOURCE=rtsp:///x": "has no host behind rtsp://",
    "CAMERA_SETTINGS=camera.MIN_FACE=80": "did you mean MIN_FACE_PX?",
    "CAMERA_SETTINGS=camera.MIN_FACE_PX=big": "has camera.MIN_FACE_PX, which must be",
    "CAMERA_SETTINGS=porch.MIN_FACE_PX=80": "has word 1 for no camera; begin it with camera.",
    "CAMERA_SETTINGS=IMAGE_FORMAT=png": "write camera.IMAGE_FORMAT=VALUE",
    "CAMERA_SETTINGS=camera.CAPTURE=face;camera.MOTION=on": "has a semicolon between two settings",
    "CAMERA_SETTINGS=camera.ROTATE=90 camera.rotate=0": "sets camera.rotate twice; remove one",
    "CAMERA_SETTINGS=camera.ROTATE = 90": "has a space around =; write camera.",
    "CAMERA_SOURCE=https://www.youtube.com/watch?v=x": "is a web page and no stream; write the address of",
    "CAMERAS=front=https://youtu.be/x": "has front, which is a web page and no stream",
    "CAMERA_SOURCE=0,2": "names several devices; write CAMERAS=front=/dev/video0",
    "CAMERA_NAME=front door": "the first a letter or digit; write front-door",
    "SCHEDULE=8-18": "must be hours; write 08:00-18:00",
    "SCHEDULE=Mon-Fri 8:30-18, Sat 9-12": "write mo-fr/08:30-18:00,sa/09:00-12:00",
    "SCHEDULE=always": "must be hours such as 08:00-18:00",
    "MASKS=0,0 1,1": "must be polygons",
    "VIDEO_GID=video": "stat --format %g /dev/video0 prints it",
    "CAMERA_FILES=videos": "write ./videos",
    # the bucket
    "AWS_REGION=us-est-1": "did you mean us-east-1",
    "AWS_REGION=US-EAST-1": "write us-east-1",
    "AWS_REGION=us-east-1a": "is an availability zone; write the region, us-east-1",
    "AWS_REGION=us-east-11": "did you mean us-east-1 or us-west-1?",
    "AWS_REGION=eu-central": "has no number behind it; write one such as eu-central-1",
    "AWS_SESSION_TOKEN=abc": "is set, but no AWS_ACCESS_KEY_ID",
    "S3_ENDPOINT_URL=http:/store:9000": "must be a URL such as http://store:8333",
    "S3_ENDPOINT_URL=https://faces.s3.amazonaws.com": "has the bucket in it already; write it without faces.",
    "S3_KEY_TEMPLATE=%Y/{id}.png": "has %Y outside of braces; write {captured_at:%Y}",
    "AWS_REGION=Frankfurt": "is a place; write eu-central-1",
    "AWS_REGION=Atlantis": "write one such as us-east-1",
    "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE": "is set, but not AWS_SECRET_ACCESS_KEY",
    "S3_ENDPOINT_URL=store:9000": "write http://store:9000",
    "S3_ENDPOINT_URL=http://store:9000/faces": "write it without /faces",
    "S3_KEY_TEMPLATE={edge}/{name}.png": "has {name}; there are",
    "S3_KEY_TEMPLATE=faces.png": "must have {id} or a time",
    "S3_KEY_TEMPLATE=rejected/{edge}/{id}.png": "must not begin with rejected/",
    "S3_KMS_KEY_ID=abc": "needs S3_SSE=aws:kms",
    # the edge
    "EDGE_TOKEN=H4sIAAAAAAAC": "EDGE_TOKEN is damaged or cut off; paste the whole line again",
    "EDGE_TOKEN_FILE=/nowhere/token": "cannot be read (No such file or directory)",
    "EDGE_TOKEN=~/porch.token": "is a path; give it as EDGE_TOKEN_FILE",
    "AWS_CREDENTIALS_FILE=~/.aws/credentials": "begins with ~; write /",
    "EDGE_NAME=Porch": "write porch",
    "EDGE_NAME=Front Porch": "write front-porch",
    # who is told
    "NOTIFY_URLS=ntfy//ntfy.sh/a": "NOTIFY_URLS has no service:// at its beginning; write each address as ntfy://",
    "NOTIFY_URLS=me@example.com": "has a mail address alone; write mailto://",
    "NOTIFY_URLS=https://hooks.example.com/x": "write a webhook as jsons://HOST/PATH",
    "NOTIFY_URLS=nfty://ntfy.sh/a": "has the unknown service nfty://; did you mean ntfy://?",
    "NOTIFY_URLS=ntfy://ntfy.sh/a, ntfy:/b": "has no :// in its address 2",
    "NOTIFY_URLS=ntfy://": "has nothing behind :// in its address 1",
    "EDGE_NAME=rejected": "is a name that usbcam uses itself",
}
# Whole files, whose first wrong line is not the fourth, and what the sentence says.
FILES = {
    b"AWS_SECRET_ACCESS_KEY='a\nAWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE\n": ".env line 1: AWS_SECRET_ACCESS_KEY has a",
    b"\xef\xbb\xbfROLE=edge\n": ".env line 1: an invisible byte order mark",
    b"ROLE=edge\r\nLOG_LEVEL=INFO\r\n": ".env line 1: it ends in CR, as Windows writes lines; convert: sed",
    "ROLE=edge\n".encode("utf-16"): ".env line 1: the file is UTF-16",
    b"ROLE=edge\nLIVE_PASSWORD=caf\xe9\n": ".env line 2: LIVE_PASSWORD is not UTF-8",
    b"ROLE=cloud\nCLOUD_HOST=cam.example\nS3_BUCKET=\n": ".env line 3: S3_BUCKET is not set; set it to the name",
    b"ROLE=cloud\nCLOUD_HOST=cam.example\n": ".env line 3: S3_BUCKET= is missing; add this line",
    b"ROLE=cloud\nCLOUD_HOST=cam.example\nS3_BUCKT=faces\n": ".env line 3: S3_BUCKT is no setting; did you mean",
    b"ROLE=cloud\nCLOUD_HOST=cam.example\nS3_BUCKET=s3://faces\n": ".env line 3: S3_BUCKET has a scheme; write",
    b"ROLE=cloud\nCLOUD_HOST=cam.example\nS3_BUCKET=faces/porch\n": "write faces here, and the folder at",
    b"ROLE=cloud\nCLOUD_HOST=cam.example\nS3_BUCKET=Faces\n": "has capitals, which no bucket has; write it in small",
    b"ROLE=cloud\nCLOUD_HOST=https://cam.example\nS3_BUCKET=faces\n": ".env line 2: CLOUD_HOST has https:// before it",
    b"ROLE=cloud\nCLOUD_HOST=cam.example:8883\nS3_BUCKET=faces\n": "write cam.example here and CLOUD_PORT=8883",
    b"ROLE=edge\nEDGE_TOKEN=H4sIAAAAAAAC/3VUS67kNg\nabcdefghijklmnopqr==\n": "EDGE_TOKEN of line 2 goes on here",
    b"ROLE=edge\nH4sIAAAAAAAC/3VUS67kNg\n": ".env line 2: it is a token without its name; write EDGE_TOKEN= before it",
    b"ROLE=cloud\nEDGE_TOKEN_FILE=./.env.example\n": ".env line 1: ROLE=cloud, but what is set is the edge's",
    b"ROLE=edge\nCLOUD_HOST=localhost\n": ".env line 2: CLOUD_HOST=localhost is this host, the edge; write the cloud",
    b"ROLE=cloud\nCLOUD_HOST=s3.amazonaws.com\nS3_BUCKET=faces\n": "is S3 itself; write the name or address",
    b"ROLE=cloud\nCLOUD_HOST=a.b\nS3_BUCKET=https://s3.amazonaws.com/faces\n": "write the bucket's name alone: faces",
    b"ROLE=cloud\nCLOUD_HOST=a.b\nS3_BUCKET=faces.s3.us-east-1.amazonaws.com\n": "write the bucket's name alone: faces",
    b"ROLE=cloud\nCLOUD_HOST=a.b\nS3_BUCKET=arn:aws:s3:::faces\n": "write the bucket's name alone: faces",
    b'ROLE=edge\nLIVE_PASSWORD="two\nlines"\n': '.env line 2: LIVE_PASSWORD has a quote " that is not closed',
    b"\xef\xbb\xbfROLE=edge\r\nLOG_LEVEL=INFO\r\n": r"sed -i '1s/^\xEF\xBB\xBF//; s/\r$//' .env",
    b"\x7fELF\x02\x01\0\0\n\0": ".env line 1: the file is no text; move it away, then run ./usbcam init edge",
    "ROLE=edge\n".encode("utf-16-be"): ".env line 1: the file is UTF-16",
    b"ROLE=edge\rLOG_LEVEL=INFO\r": ".env line 1: it ends in CR",
    b"ROLE=edge\nCAMERA_SOURCE=demo\nCAMERAS=a=demo\n": ".env line 2: CAMERA_SOURCE=demo is set, and CAMERAS, too",
    b"ROLE=cloud\nCLOUD_HOST=10.0.0.256\nS3_BUCKET=faces\n": "is a wrong address; write four numbers from 0 to 255",
    b"ROLE=server\n": ".env line 1: ROLE=server must be edge, cloud or both",
    b"ROLE=edge\nLIVE_PASSWORD=a\nLIVE_PASSWORD_FILE=/etc/hostname\n": "is set, and LIVE_PASSWORD_FILE, too",
}


@pytest.fixture(autouse=True)
def _containers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "S3_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("cli.settings.rules.hosts.shutil.which", lambda _: "/usr/bin/docker")


def complaints(content: bytes) -> list[str]:
    try:
        env = env_file.parse(content)
    except env_file.EnvFileError as error:
        return [str(error)]
    roles = [role for role in ("cloud", "edge") if env.get("ROLE") in {role, "both"}] or ["edge"]
    return [str(problem) for problem in check.problems(env, roles)]


@pytest.mark.parametrize(("line", "sentence"), WRONG.items(), ids=str)
def test_a_wrong_line_gets_one_sentence_with_line_setting_and_fix(line: str, sentence: str) -> None:
    (said,) = complaints(RIGHT + line.encode() + b"\n")

    assert said.startswith(LINE)
    assert sentence in said


@pytest.mark.parametrize(("content", "sentence"), FILES.items(), ids=repr)
def test_a_wrong_file_gets_one_sentence_with_line_setting_and_fix(content: bytes, sentence: str) -> None:
    (said,) = complaints(content)

    assert sentence in said


def test_all_of_this_is_said_in_german(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    files = [*(RIGHT + line.encode() + b"\n" for line in WRONG), *FILES]

    said = [spoken.sentence(problem) for content in files for problem in complaints(content)]

    assert [sentence for sentence in said if ENGLISH.search(sentence) or not sentence.startswith(".env Zeile ")] == []


@pytest.mark.parametrize(
    "secret", ["abc$def", "abc #def", "'abc", "caf\xe9", "<hunter2>", "hunter2\\", "AKIA hunter2", "hunter2\u00a0x"]
)
@pytest.mark.parametrize("name", ["LIVE_PASSWORD", "AWS_SECRET_ACCESS_KEY", "EDGE_TOKEN", "HOMEASSISTANT_PASSWORD"])
def test_a_sentence_never_shows_a_secret(name: str, secret: str) -> None:
    said = " ".join(complaints(RIGHT + f"{name}={secret}\n".encode("latin-1")))

    assert "hunter2" not in said
    assert "abc" not in said


@pytest.mark.parametrize(
    "line",
    [
        "LIVE_PASSWORD_FILE=hunter2",
        "AWS_CREDENTIALS_FILE=hunter2/x",
        "EDGE_TOKEN_FILE=hunter2==",
        "AWS_ACCESS_KEY_ID=hunter2/x",
    ],
)
def test_a_sentence_never_shows_a_secret_that_is_in_the_wrong_place(line: str) -> None:
    said = " ".join(complaints(RIGHT + line.encode() + b"\n"))

    assert line.split("=", maxsplit=1)[0] in said
    assert "hunter2" not in said


def test_keys_that_are_exchanged_are_called_that_and_not_shown() -> None:
    keys = b"AWS_ACCESS_KEY_ID=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\nAWS_SECRET_ACCESS_KEY=AKIAIOSFODNN7EXAMPLE\n"

    assert complaints(RIGHT + keys) == [
        f"{LINE}AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY have each other's values; exchange them"
    ]


@pytest.mark.parametrize("address", ["rstp://me:hunter2@cam/x", "rtsp://me:hun/ter2@cam", "rtsp://hunter2 @cam:x"])
@pytest.mark.parametrize("setting", ["CAMERA_SOURCE={}", "CAMERAS=front={}"])
def test_a_sentence_never_shows_an_address_with_a_password(setting: str, address: str) -> None:
    said = " ".join(complaints(RIGHT + setting.format(address).encode() + b"\n"))

    assert said
    assert "hun" not in said.replace("has", "")


@pytest.mark.parametrize(
    "line",
    [
        "# a comment",
        "  # an indented comment",
        "",
        "LOG_LEVEL=debug",
        "LOG_LEVEL=INFO # as before",
        "MOTION=Yes",
        "GALLERY_DELETE=TRUE",
        "RECEIPTS=0",
        "LIVE_PASSWORD='abc$def #1'",
        "LIVE_PASSWORD=abc;",
        r"LIVE_PASSWORD='C:\new'",
        r'LIVE_PASSWORD="a\"b"',
        "LOG_LEVEL= ",
        "CAMERAS=front=http://10.0.0.7/x?a=1,b=2",
        "CAMERA_SOURCE=/dev/v4l/by-path/pci-0000:00:14.0-usb-0:1:1.0-video-index0",
        "CAMERA_SOURCE=/dev/porch-camera",
        "LIVE_PASSWORD=it's",
        "LIVE_PASSWORD=a#b",
        "CAMERAS=front=/dev/video0 porch=rtsp://me:p%40ss@10.0.0.7:554/stream?x=1",
        "CAMERA_SOURCE=serial:ABC-1",
        "CAMERA_SOURCE=/dev/v4l/by-id/usb-046d_C920-video-index0",
        "S3_KEY_TEMPLATE={captured_at:%d-%m-%Y_%H-%M-%S}.png",
        "COMPOSE_PROJECT_NAME=mine",
        "HTTPS_PROXY=http://proxy:3128",
        "LIVE_BIND=127.0.0.1",
        "MASKS=0,0:0.3,0:0.3,1:0,1",
        "SCHEDULE=mo-fr/08:00-18:00,sa/22:00-02:00",
        "TIMEZONE=Europe/Berlin",
        "AWS_REGION=eu-central-2",
        "CLOUD_EXTRA_NAMES=a.example, 10.0.0.1",
        "LIVE_TRUSTED_PROXY=172.16.0.0/12",
    ],
)
def test_a_right_line_is_understood(line: str) -> None:
    said = complaints(RIGHT + line.encode() + b"\n")

    assert said == []


def test_a_file_of_somebody_else_is_named_with_the_command_that_gives_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    (tmp_path / ".env").touch()
    monkeypatch.setattr(Path, "read_bytes", refuse)

    with pytest.raises(env_file.EnvFileError, match=r"cannot be read by this user; run: sudo chown \$\(id -u\) "):
        env_file.read(tmp_path / ".env")


def test_the_example_itself_is_right_for_an_edge() -> None:
    content = (ROOT / ".env.example").read_bytes()

    assert complaints(content.replace(b"ROLE=", b"ROLE=edge", 1)) == []


def token(**fields: object) -> str:
    lines = ["usbcam-edge 1", *(f"{name}={value}" for name, value in fields.items()), "[ca.crt]", "x", ""]
    return base64.b64encode(gzip.compress("\n".join(lines).encode())).decode()


def test_a_token_is_read_to_its_end() -> None:
    good = token(name="porch", host="cam.example", port=8883, expires=int(time.time()) + 9999)
    expired = token(name="porch", host="cam.example", port=8883, expires=1)

    assert complaints(f"ROLE=edge\nEDGE_TOKEN={good}\n".encode()) == []
    assert complaints(f"ROLE=edge\nEDGE_TOKEN=EDGE_TOKEN={good}\n".encode()) == []
    for cut in (good[:-1], good[:-8], good[4:], good[:40] + good[44:], good.replace("A", "B", 1)):
        assert "is damaged" in complaints(f"ROLE=edge\nEDGE_TOKEN={cut}\n".encode())[0]
    assert "./usbcam renew porch" in complaints(f"ROLE=edge\nEDGE_TOKEN={expired}\n".encode())[0]
    assert "is for porch" in complaints(f"ROLE=edge\nEDGE_TOKEN={good}\nEDGE_NAME=attic\n".encode())[0]
