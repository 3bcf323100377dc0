"""What the edge broker retains: the bridge's state, the token, and the status of every running camera."""

import json
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import paho.mqtt.client as mqtt

from camera.config.settings import Settings
from common.contract import topics
from common.contract.status import CameraReport, InvalidReportError
from common.mqtt import MAX_COMMAND_BYTES, accept_packets_up_to, new_client
from common.runtime.check_result import CheckResult, failed, info, passed, warned
from common.runtime.deployment import log_of, start

REPLY_TIMEOUT_SECONDS = 5.0
SOON_DAYS = 30
DAY_SECONDS = 86400
BROKER = "edge-broker"


@dataclass(slots=True)
class BrokerSnapshot:
    """The retained messages; empty if the broker does not answer."""

    answers: bool = False
    bridge: str = ""
    token: str = ""
    statuses: dict[str, CameraReport] = field(default_factory=dict)  # by the camera's name

    def add(self, topic: str, payload: bytes) -> None:
        """Add one retained message."""
        text = payload.decode("utf-8", "replace")
        if topic == topics.BRIDGE_STATE:
            self.bridge = text
        elif topic == topics.TOKEN:
            self.token = text
        elif topic.startswith(topics.STATUS_PREFIX):
            self.statuses[topic.removeprefix(topics.STATUS_PREFIX)] = _parse(payload)


def read_retained(settings: Settings) -> BrokerSnapshot:
    """Read all that the broker retains for us."""
    snapshot, complete = BrokerSnapshot(), threading.Event()
    end = topics.ping(f"doctor-{uuid.uuid4().hex}")  # retained messages come before what is published later

    def on_connect(client: mqtt.Client, *_: object) -> None:
        client.subscribe([(topic, 0) for topic in (topics.BRIDGE_STATE, topics.TOKEN, topics.ALL_STATUSES, end)])
        client.publish(end, b"", qos=0)

    def on_message(_client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        if message.topic == end:
            snapshot.answers = True
            complete.set()
        else:
            snapshot.add(message.topic, bytes(message.payload))

    client = new_client()
    client.on_connect, client.on_message = on_connect, on_message
    client.connect_timeout = REPLY_TIMEOUT_SECONDS
    try:
        properties = accept_packets_up_to(MAX_COMMAND_BYTES)
        client.connect(settings.edge_broker_host, settings.edge_broker_port, properties=properties)
    except OSError:
        return snapshot
    client.loop_start()
    complete.wait(REPLY_TIMEOUT_SECONDS)
    client.disconnect()
    client.loop_stop()
    return snapshot


def _parse(payload: bytes) -> CameraReport:
    """Of what is no status at all nothing is known."""
    try:
        return CameraReport.parse(payload)
    except InvalidReportError:
        return CameraReport()


def check_broker(settings: Settings, snapshot: BrokerSnapshot) -> Iterator[CheckResult]:
    """Check the broker, the bridge and the token."""
    address = f"{settings.edge_broker_host}:{settings.edge_broker_port}"
    if not snapshot.answers:
        problem = f"The edge broker at {address} does not answer"
        yield failed("broker", f"{problem}: {start(BROKER)} starts it, and {log_of(BROKER)} says why it stopped.")
        return
    yield passed("broker", f"The edge broker at {address} answers.")
    yield _check_bridge(snapshot.bridge)
    yield _check_token(snapshot.token, time.time())


def _check_bridge(state: str) -> CheckResult:
    if state == "1":
        return passed("bridge", "The bridge to the cloud is up.")
    if state == "0":
        problem = "The bridge to the cloud is down, captures wait"
        return failed("bridge", f"{problem}: check the token, CLOUD_HOST and its port; {log_of(BROKER)} says more.")
    return info("bridge", "Whether the bridge to the cloud is up is not known: this is not the shipped edge broker.")


def _check_token(text: str, now: float) -> CheckResult:
    if not text:
        return info("token", "Whether there is a token is not known: this is not the shipped edge broker.")
    try:
        token = json.loads(text)
        name, cloud = str(token["name"]), f"{token['host']}:{int(token['port'])}"
        expires = int(token["expires"])
        days, date = (expires - now) / DAY_SECONDS, f"{datetime.fromtimestamp(expires, UTC):%Y-%m-%d}"
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError, OSError):
        remedy = "on the cloud host run './usbcam enroll NAME'"
        return failed("token", f"There is no token: {remedy} and set the EDGE_TOKEN it prints in .env.")
    remedy = f"make a new one on the cloud host: ./usbcam renew {name}"
    if days <= 0:
        return failed("token", f"The token of {name} expired on {date}: {remedy}.")
    if days < SOON_DAYS:
        return warned("token", f"The token of {name} expires in {days:.0f} days: {remedy}.")
    return passed("token", f"The token of {name} for {cloud} is valid until {date}.")
