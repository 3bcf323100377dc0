"""How the brokers start: what start.sh refuses, what it opens, and that no image is lost before the first uploader."""

import re
import subprocess
from pathlib import Path

import pytest

from local.stack import CLOUD_FILES, EDGE_FILES
from tests.mqtt import Client, image_properties
from tests.rig import CloudBroker, EdgeBroker

NOT_A_PORT = "is not a port; set {name} in .env to a number from 1 to 65535"


def refusal(image: str | None, files: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Run start.sh here or in the image, and return its exit status and all it printed."""
    command = ["sh", str(files / "start.sh")]
    if image is not None:
        given = [f"--env={name}={value}" for name, value in environment.items()]
        inside = ["--user", "1883:1883", "--volume", f"{files}:/mosquitto/config:ro", image, "sh"]
        command = ["docker", "run", "--rm", "--read-only", *given, *inside, "/mosquitto/config/start.sh"]
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


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"EDGE_NAME": ""}, "EDGE_NAME is not set; give this edge a name in .env, for example EDGE_NAME=porch"),
        ({"EDGE_NAME": "Porch"}, "EDGE_NAME=Porch cannot be a name; use a-z, 0-9 and -, not first, and not status,"),
        ({"EDGE_NAME": "-a"}, "EDGE_NAME=-a cannot be a name; use a-z, 0-9 and -, not first, and not status,"),
        ({"EDGE_NAME": "status"}, "EDGE_NAME=status cannot be a name; use a-z, 0-9 and -, not first, and not status,"),
        ({"EDGE_NAME": "a/b|c&"}, "EDGE_NAME=a/b|c& cannot be a name; use a-z, 0-9 and -, not first, and not status,"),
        ({"EDGE_NAME": "a" * 64}, "EDGE_NAME is 64 characters long; set a name of at most 63 in .env"),
        ({"CLOUD_HOST": ""}, "CLOUD_HOST is not set; set it in .env to the name or address of the cloud broker's host"),
        ({"CLOUD_HOST": "h:1"}, "CLOUD_HOST=h:1 is not a host; set a name or an IPv4 address in .env, without port"),
        ({"CLOUD_PORT": "x"}, f"CLOUD_PORT=x {NOT_A_PORT.format(name='CLOUD_PORT')}"),
        ({"CLOUD_PORT": "0"}, f"CLOUD_PORT=0 {NOT_A_PORT.format(name='CLOUD_PORT')}"),
        ({"EDGE_BROKER_PORT": "65536"}, f"EDGE_BROKER_PORT=65536 {NOT_A_PORT.format(name='EDGE_BROKER_PORT')}"),
        ({"EDGE_BROKER_LISTEN": "a b"}, "EDGE_BROKER_LISTEN=a b is not an address; set for example 127.0.0.1"),
        ({"EDGE_BROKER_DATA": "/proc"}, "cannot write to EDGE_BROKER_DATA=/proc; make it a folder that uid "),
        ({"EDGE_BROKER_DATA": "/no"}, "cannot write to EDGE_BROKER_DATA=/no; make it a folder that uid "),
        ({"MOSQUITTO": "/no"}, "there is no program /no; install Mosquitto 2.0 or newer"),
    ],
)
def test_the_edge_broker_says_what_is_wrong_in_one_sentence(
    mosquitto_image: str | None, wrong: dict[str, str], sentence: str
) -> None:
    status, printed = refusal(mosquitto_image, EDGE_FILES, EDGE | wrong)

    assert printed.startswith(f"edge-broker: {sentence}")
    assert printed.count("\n") == 1
    assert status == 64


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"CLOUD_PORT": "8883x"}, f"CLOUD_PORT=8883x {NOT_A_PORT.format(name='CLOUD_PORT')}"),
        ({"CLOUD_BROKER_PORT": "-1"}, f"CLOUD_BROKER_PORT=-1 {NOT_A_PORT.format(name='CLOUD_BROKER_PORT')}"),
        (
            {"CLOUD_LISTEN": "*"},
            "CLOUD_LISTEN=* is not an address to listen on; set for example CLOUD_LISTEN=127.0.0.1",
        ),
        ({"CLOUD_BROKER_DATA": "/proc"}, "cannot write to CLOUD_BROKER_DATA=/proc; make it a folder that uid "),
        ({"MOSQUITTO": "/no"}, "there is no program /no; install Mosquitto 2.0 or newer and its clients"),
    ],
)
def test_the_cloud_broker_says_what_is_wrong_in_one_sentence(
    mosquitto_image: str | None, wrong: dict[str, str], sentence: str
) -> None:
    status, printed = refusal(mosquitto_image, CLOUD_FILES, wrong)

    assert printed.startswith(f"cloud-broker: {sentence}")
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
    with Client(edge_broker.port) as camera, Client(cloud_broker.port) as witness:
        witness.subscribe("usbcam/+/last")
        for number in range(20):
            camera.publish("usbcam/images", b"%d" % number, image_properties(schema="1"))
        camera.publish("usbcam/last", b"")
        witness.wait_for(1)

    with Client(cloud_broker.port, "uploader", keep_session=True) as uploader:
        uploader.subscribe("usbcam/+/images")
        arrived = uploader.wait_for(20)
    assert uploader.session_present
    assert [message.payload for message in arrived] == [b"%d" % number for number in range(20)]
    assert {message.properties for message in arrived} == {(("schema", "1"),)}


def test_the_first_uploaders_session_survives_a_kill_right_after_the_first_start(cloud_broker: CloudBroker) -> None:
    cloud_broker.restart()

    with Client(cloud_broker.outside_port) as edge:
        answer = edge.publish("usbcam/porch/images", b"png")
    with Client(cloud_broker.port, "uploader", keep_session=True) as uploader:
        arrived = uploader.wait_for(1)
    assert answer.value == 0
    assert [message.payload for message in arrived] == [b"png"]


def test_a_later_start_leaves_the_uploaders_session_alone(cloud_broker: CloudBroker) -> None:
    with Client(cloud_broker.outside_port) as edge:
        edge.publish("usbcam/porch/images", b"png")
    cloud_broker.stop()
    cloud_broker.start()

    with Client(cloud_broker.port, "uploader", keep_session=True) as uploader:
        arrived = uploader.wait_for(1)
    assert uploader.session_present
    assert [message.payload for message in arrived] == [b"png"]
