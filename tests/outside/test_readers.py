"""Readers that others wrote receive a capture as the contract says: mosquitto_sub and mqtt.js, by MQTT 3.1.1 and 5."""

import base64
import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from common.contract import topics
from common.contract.capture import Box, Capture, CaptureMetadata, TrackInfo
from dev.harness.services import LOOPBACK, wait_for
from tests.support.images import pictures
from tests.support.mqtt import SECONDS, Client, image_properties
from tests.support.rig import EdgeBroker

INSTALL_SECONDS = 60
READ_ONE = """
const [port, topic, version] = process.argv.slice(2)
const client = require('mqtt').connect({ host: '127.0.0.1', port, protocolVersion: Number(version) })
client.on('connect', () => client.subscribe(topic, { qos: 1 }))
client.on('message', (topic, payload, packet) => {
  const found = { image: payload.toString('base64'), properties: packet.properties ?? null }
  process.stdout.write(JSON.stringify(found), () => client.end(true, () => process.exit(0)))
})
"""


@pytest.fixture(scope="module")
def mqtt_js(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install mqtt.js in a folder of its own; return the script that reads one message."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("there is no node or npm on PATH")
    folder = tmp_path_factory.mktemp("mqtt-js")
    command = ["npm", "install", "--no-audit", "--no-fund", "--silent", "mqtt@5"]
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=INSTALL_SECONDS)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"npm cannot install mqtt.js: {error}")
    script = folder / "read-one.js"
    script.write_text(READ_ONE, encoding="ascii")
    return script


@pytest.fixture
def capture() -> Capture:
    """One with every property there is."""
    captured_at = datetime(2026, 11, 22, 6, 33, 25, 123_000, tzinfo=UTC)
    metadata = CaptureMetadata("door", captured_at, Box(1, 2, 3, 4), 0.934, TrackInfo("a-track", "first", 0.8))
    return Capture.create(metadata, pictures.png(1))


def read_one(command: list[str], capture: Capture, broker: EdgeBroker) -> bytes:
    """Publish a capture until the reader has taken it and ended; return what it printed."""
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as reader,
        Client(broker.port) as client,
    ):

        def has_read() -> bool:
            client.publish(topics.IMAGES, capture.image, image_properties(**dict(capture.properties())))
            return reader.poll() is not None

        try:
            wait_for(has_read, seconds=SECONDS, what=f"the end of {command[0]}")
        finally:
            reader.kill()
        out, errors = reader.communicate()
    assert reader.returncode == 0, errors
    return out


def mosquitto_sub(broker: EdgeBroker, version: str, *options: str) -> list[str]:
    where = ["-h", LOOPBACK, "-p", str(broker.port), "-V", version, "-q", "1", "-t", topics.IMAGES]
    return ["mosquitto_sub", *where, "-C", "1", *options]


@pytest.mark.parametrize("version", ["mqttv311", "mqttv5"])
def test_mosquitto_sub_writes_the_image_to_a_file(edge_broker: EdgeBroker, capture: Capture, version: str) -> None:
    assert read_one(mosquitto_sub(edge_broker, version, "-N"), capture, edge_broker) == capture.image


def test_mosquitto_sub_shows_the_properties(edge_broker: EdgeBroker, capture: Capture) -> None:
    shown = read_one(mosquitto_sub(edge_broker, "mqttv5", "-F", "%l %C %P"), capture, edge_broker).decode()

    pairs = " ".join(f"{name}:{value}" for name, value in capture.properties())
    assert shown.strip() == f"{len(capture.image)} image/png {pairs}"


@pytest.mark.parametrize("version", [4, 5])
def test_mqtt_js_reads_image_and_properties(
    edge_broker: EdgeBroker, capture: Capture, mqtt_js: Path, version: int
) -> None:
    command = ["node", str(mqtt_js), str(edge_broker.port), topics.IMAGES, str(version)]

    found = json.loads(read_one(command, capture, edge_broker))

    image = base64.b64decode(found["image"])
    assert Capture.parse(image, capture.id) == capture  # also without properties, as at 3.1.1
    if version == 5:
        assert found["properties"]["contentType"] == "image/png"
        assert found["properties"]["userProperties"] == dict(capture.properties())
