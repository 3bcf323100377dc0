"""How the brokers start: what start.sh refuses, what it opens, and that no image is lost before the first uploader."""

import dataclasses
import json
import re
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from common.runtime.files import SecretDir
from dev.harness.process import LOOPBACK, free_port, start, until_up, wait_for
from dev.harness.services import CLOUD_FILES, EDGE_FILES, answers_mqtt
from enroll.authority import CertificateAuthority
from enroll.x509 import EDGE_DAYS
from tests.edge.web.page import live
from tests.support.container import broker_mounts, command_in
from tests.support.mqtt import Client, image_properties
from tests.support.rig import CloudBroker, EdgeBroker

DAMAGED = (
    "EDGE_TOKEN is damaged; paste again the whole line that enroll printed, "
    "or make a new one on the cloud host: ./usbcam renew NAME"
)
NOT_A_PORT = "is not a port; set {name} in .env to a number from 1 to 65535"
EDGE_MISTAKES = [
    ({"EDGE_NAME": "attic"}, "EDGE_NAME=attic, but the token is for porch; remove EDGE_NAME from .env, or enroll"),
    (
        {"HOMEASSISTANT_BROKER": "h a"},
        "HOMEASSISTANT_BROKER=h a is not a host; set a name or an IPv4 address, or HOST",
    ),
    ({"HOMEASSISTANT_BROKER": "h:x"}, "HOMEASSISTANT_BROKER=x " + NOT_A_PORT.format(name="HOMEASSISTANT_BROKER")),
    (
        {"HOMEASSISTANT_BROKER": "h", "HOMEASSISTANT_PASSWORD": "p"},
        "HOMEASSISTANT_PASSWORD is set, but not HOMEASSISTANT_USER; set both in .env, or neither",
    ),
    ({"CLOUD_HOST": "h:1"}, "CLOUD_HOST=h:1 is not a host; set a name or an IPv4 address in .env, without port"),
    ({"CLOUD_PORT": "x"}, f"CLOUD_PORT=x {NOT_A_PORT.format(name='CLOUD_PORT')}"),
    ({"CLOUD_PORT": "0"}, f"CLOUD_PORT=0 {NOT_A_PORT.format(name='CLOUD_PORT')}"),
    ({"EDGE_BROKER_PORT": "65536"}, f"EDGE_BROKER_PORT=65536 {NOT_A_PORT.format(name='EDGE_BROKER_PORT')}"),
    (
        {"EDGE_BROKER_LISTEN": "a b"},
        "EDGE_BROKER_LISTEN=a b is not an address to listen on; set for example EDGE_BROKER_LISTEN=127.0.0.1",
    ),
    ({"EDGE_BROKER_DATA": "/proc"}, "cannot write to EDGE_BROKER_DATA=/proc; make it a folder that uid "),
    ({"EDGE_BROKER_DATA": "/no"}, "cannot write to EDGE_BROKER_DATA=/no; make it a folder that uid "),
    ({"EDGE_TOKEN": "", "EDGE_TOKEN_FILE": "/no"}, "cannot read EDGE_TOKEN_FILE=/no; make it readable for uid "),
    ({"EDGE_TOKEN": "hello"}, DAMAGED),
    ({"EDGE_TOKEN": "$(reboot)`reboot`"}, DAMAGED),
    ({"EDGE_TOKEN": "H4sIAAAAAAAC/w=="}, DAMAGED),
    ({"MOSQUITTO": "/no"}, "there is no program /no; install Mosquitto 2.0 or newer"),
]
CLOUD_MISTAKES = [
    ({"CLOUD_PORT": "8883x"}, f"CLOUD_PORT=8883x {NOT_A_PORT.format(name='CLOUD_PORT')}"),
    ({"CLOUD_BROKER_PORT": "-1"}, f"CLOUD_BROKER_PORT=-1 {NOT_A_PORT.format(name='CLOUD_BROKER_PORT')}"),
    ({"CLOUD_IDENTITY": "/no"}, "there are no certificates in /no; python -m enroll --prepare makes them"),
    (
        {"CLOUD_LISTEN": "*"},
        "CLOUD_LISTEN=* is not an address to listen on; set for example CLOUD_LISTEN=127.0.0.1",
    ),
    ({"CLOUD_BROKER_DATA": "/proc"}, "cannot write to CLOUD_BROKER_DATA=/proc; make it a folder that uid "),
    ({"MOSQUITTO": "/no"}, "there is no program /no; install Mosquitto 2.0 or newer and its clients"),
]


def refusal(image: str | None, files: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Run start.sh here or in the image, and return its exit status and all it printed."""
    command = ["sh", str(files / "start.sh")]
    if image is not None:
        command = command_in(image, broker_mounts(files), environment)
    done = subprocess.run(
        command,
        env={"PATH": "/usr/bin:/bin", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout


@pytest.fixture(scope="session")
def token(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Enroll the edge `porch` somewhere."""
    return make_token(tmp_path_factory.mktemp("authority"))


def make_token(folder: Path, days: int = EDGE_DAYS) -> str:
    made = CertificateAuthority(SecretDir(folder)).enroll("porch", "cloud.example", 8883, renew=False)
    return dataclasses.replace(made, expires_at=datetime.now(UTC) + timedelta(days=days, minutes=1)).encode()


@pytest.mark.parametrize(("wrong", "message"), EDGE_MISTAKES)
def test_the_edge_broker_says_what_is_wrong_in_one_sentence(
    mosquitto_image: str | None, tmp_path: Path, token: str, wrong: dict[str, str], message: str
) -> None:
    status, printed = refusal(mosquitto_image, EDGE_FILES, places(mosquitto_image, tmp_path, token) | wrong)

    assert printed.startswith(f"edge-broker: {message}")
    assert printed.count("\n") == 1
    assert status == 64


@pytest.mark.parametrize("spoil", [lambda token: token[:-40], lambda token: token[:700] + token[701:], str.lower])
def test_a_damaged_token_is_one_sentence(
    mosquitto_image: str | None, tmp_path: Path, token: str, spoil: Callable[[str], str]
) -> None:
    environment = places(mosquitto_image, tmp_path, spoil(token))

    assert refusal(mosquitto_image, EDGE_FILES, environment) == (64, f"edge-broker: {DAMAGED}\n")


def test_an_expired_token_is_one_sentence(mosquitto_image: str | None, tmp_path: Path) -> None:
    environment = places(mosquitto_image, tmp_path, make_token(tmp_path, days=-1))

    status, printed = refusal(mosquitto_image, EDGE_FILES, environment)

    assert (
        printed
        == "edge-broker: the token of porch has expired; make a new one on the cloud host: ./usbcam renew porch\n"
    )
    assert status == 64


def test_a_token_that_expires_soon_is_told(tmp_path: Path) -> None:
    environment = places(None, tmp_path, make_token(tmp_path, days=7)) | {"MOSQUITTO": "true"}

    status, printed = refusal(None, EDGE_FILES, environment)

    assert (
        printed
        == "edge-broker: the token of porch expires in 7 days; make a new one on the cloud host: ./usbcam renew porch\n"
    )
    assert status == 0


def test_without_a_token_the_edge_broker_says_how_to_get_one(tmp_path: Path) -> None:
    status, printed = refusal(
        None, EDGE_FILES, places(None, tmp_path, "") | {"MOSQUITTO": "true", "EDGE_BROKER_PORT": str(free_port())}
    )

    assert printed.startswith("edge-broker: no token yet, so captures wait on this machine; on the cloud host run ")
    assert (printed.count("\n"), status) == (1, 0)


def test_without_a_token_the_camera_hears_that_there_is_no_bridge(tmp_path: Path) -> None:
    port = free_port()
    own = places(None, tmp_path, "") | {"EDGE_BROKER_PORT": str(port), "EDGE_BROKER_LISTEN": LOOPBACK}
    process = until_up(start("edge", ["sh", str(EDGE_FILES / "start.sh")], tmp_path, own), lambda: answers_mqtt(port))

    with Client(port) as camera:
        camera.subscribe("usbcam-bridge/state")
        state = camera.wait_for(1)[0]
        answer = camera.publish("usbcam/images", b"png")

    assert state.payload == b"0"
    assert answer.value == 16  # no subscriber took it, so the camera keeps it
    process.kill()


def test_without_a_token_the_live_page_says_what_to_set(tmp_path: Path) -> None:
    port = free_port()
    own = places(None, tmp_path, "") | {"EDGE_BROKER_PORT": str(port), "EDGE_BROKER_LISTEN": LOOPBACK}
    process = until_up(start("edge", ["sh", str(EDGE_FILES / "start.sh")], tmp_path, own), lambda: answers_mqtt(port))

    with live(tmp_path, EDGE_BROKER_PORT=str(port)) as page:
        pipeline = wait_for(
            lambda: now if (now := page.pipeline())["Bridge"][0] == "warning" else {}, seconds=60, what="the warning"
        )

    process.kill()
    assert pipeline["Bridge"][1].startswith("There is no bridge: set EDGE_TOKEN in .env.")
    assert pipeline["Cloud"] == ("unknown", "Unknown without the bridge.")


def test_the_camera_can_hear_whether_there_is_a_token_and_what_it_is_for(
    tmp_path: Path, edge_broker: EdgeBroker
) -> None:
    port = free_port()
    own = places(None, tmp_path, "") | {"EDGE_BROKER_PORT": str(port), "EDGE_BROKER_LISTEN": LOOPBACK}
    process = until_up(start("edge", ["sh", str(EDGE_FILES / "start.sh")], tmp_path, own), lambda: answers_mqtt(port))

    with Client(port) as without, Client(edge_broker.port) as with_token:
        for client in (without, with_token):
            client.subscribe("usbcam-bridge/token")
        missing, token = without.wait_for(1)[0], with_token.wait_for(1)[0]

    process.kill()
    reported = json.loads(token.payload)
    assert missing.payload == b"missing"
    assert set(reported) == {"name", "host", "port", "expires"}
    assert (reported["name"], reported["host"], reported["port"]) == ("porch", LOOPBACK, edge_broker.cloud_port)
    assert timedelta(days=EDGE_DAYS - 1) < datetime.fromtimestamp(reported["expires"], UTC) - datetime.now(UTC)


def test_a_token_may_be_wrapped_and_may_carry_its_name(tmp_path: Path, token: str) -> None:
    pasted = f"EDGE_TOKEN={token[:500]}\r\n  {token[500:]}\n"

    status, printed = refusal(None, EDGE_FILES, places(None, tmp_path, pasted) | {"MOSQUITTO": "true"})

    assert (status, printed) == (0, "")
    assert "BEGIN PRIVATE KEY" in (tmp_path / "edge.key").read_text(encoding="ascii")
    assert (tmp_path / "edge.key").stat().st_mode & 0o077 == 0
    assert "\naddress cloud.example:8883\n" in (tmp_path / "edge-broker.conf").read_text(encoding="utf-8")


def places(image: str | None, folder: Path, token: str) -> dict[str, str]:
    """Return where start.sh may write, which in the image is where it writes by default."""
    own = {} if image else {"EDGE_BROKER_DATA": str(folder), "RUN_DIR": str(folder)}
    return {"EDGE_TOKEN": token} | own


@pytest.mark.parametrize(("wrong", "message"), CLOUD_MISTAKES)
def test_the_cloud_broker_says_what_is_wrong_in_one_sentence(
    mosquitto_image: str | None, tmp_path: Path, wrong: dict[str, str], message: str
) -> None:
    own = {} if mosquitto_image else {"CLOUD_BROKER_DATA": str(tmp_path)}

    status, printed = refusal(mosquitto_image, CLOUD_FILES, own | wrong)

    assert printed.startswith(f"cloud-broker: {message}")
    assert printed.count("\n") == 1
    assert status == 64


def test_the_brokers_open_their_ports_and_no_other(cloud_broker: CloudBroker, edge_broker: EdgeBroker) -> None:
    opened = []
    for broker in (cloud_broker, edge_broker):
        assert broker.process is not None
        opened.append(re.findall(r"Opening (\w+) listen socket on (?:port|path) (\S+)\.", broker.process.tail(1000)))

    assert opened == [
        [("unix", "first-start.sock"), ("ipv4", f"{cloud_broker.outside_port}"), ("ipv4", f"{cloud_broker.port}")],
        [("ipv4", f"{edge_broker.port}")],
    ]


def test_images_sent_before_the_first_uploader_ever_connected_wait_for_it(
    cloud_broker: CloudBroker, edge_broker: EdgeBroker
) -> None:
    with edge_broker.camera() as camera, Client(cloud_broker.port) as witness:
        witness.subscribe("usbcam/+/visits")
        for number in range(20):
            camera.publish("usbcam/images", b"%d" % number, image_properties(schema="1"))
        camera.publish("usbcam/visits", b"")
        witness.wait_for(1)

    with Client(cloud_broker.port, "uploader", keep_session=True) as uploader:
        uploader.subscribe("usbcam/+/images")
        arrived = uploader.wait_for(20)
    assert uploader.session_present
    assert [message.payload for message in arrived] == [b"%d" % number for number in range(20)]
    assert {message.properties for message in arrived} == {(("schema", "1"),)}


def test_the_first_uploaders_session_survives_a_kill_right_after_the_first_start(cloud_broker: CloudBroker) -> None:
    cloud_broker.restart()

    with Client(cloud_broker.outside_port, credentials=cloud_broker.credentials("porch")) as edge:
        answer = edge.publish("usbcam/porch/images", b"png")
    with Client(cloud_broker.port, "uploader", keep_session=True) as uploader:
        arrived = uploader.wait_for(1)
    assert answer.value == 0
    assert [message.payload for message in arrived] == [b"png"]


def test_a_later_start_leaves_the_uploaders_session_alone(cloud_broker: CloudBroker) -> None:
    with Client(cloud_broker.outside_port, credentials=cloud_broker.credentials("porch")) as edge:
        edge.publish("usbcam/porch/images", b"png")
    cloud_broker.stop()
    cloud_broker.start()

    with Client(cloud_broker.port, "uploader", keep_session=True) as uploader:
        arrived = uploader.wait_for(1)
    assert uploader.session_present
    assert [message.payload for message in arrived] == [b"png"]
