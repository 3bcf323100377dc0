"""What the broker on this machine knows: the bridge, the token, and how the cameras that run say they are."""

import contextlib
import json
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import paho.mqtt.client as mqtt

from camera.config.settings import Settings
from camera.diagnostics.finding import Finding, ill, known, well
from common.contract import topics
from common.mqtt import new_client

ANSWER_SECONDS = 5.0
SOON_DAYS = 30
DAY_SECONDS = 86400
LOGS = "docker compose -f docker-compose.edge.yml logs edge-broker"


@dataclass(slots=True)
class Word:
    """What the broker keeps; empty if it does not answer."""

    answers: bool = False
    bridge: str = ""
    token: str = ""
    statuses: dict[str, dict[str, Any]] = field(default_factory=dict)  # by the camera's name

    def hear(self, topic: str, payload: bytes) -> None:
        """Take one retained message."""
        text = payload.decode("utf-8", "replace")
        if topic == topics.BRIDGE_STATE:
            self.bridge = text
        elif topic == topics.TOKEN:
            self.token = text
        elif topic.startswith(topics.STATUS_PREFIX):
            with contextlib.suppress(ValueError):
                status = json.loads(text)
                self.statuses[topic.removeprefix(topics.STATUS_PREFIX)] = status if isinstance(status, dict) else {}


def ask(settings: Settings) -> Word:
    """Ask the broker for all that it retains for us."""
    word, heard = Word(), threading.Event()
    end = topics.ping(f"doctor-{uuid.uuid4().hex}")  # what was retained comes before what is sent later

    def on_connect(client: mqtt.Client, *_: object) -> None:
        client.subscribe([(topic, 0) for topic in (topics.BRIDGE_STATE, topics.TOKEN, topics.ALL_STATUSES, end)])
        client.publish(end, b"", qos=0)

    def on_message(_client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        if message.topic == end:
            word.answers = True
            heard.set()
        else:
            word.hear(message.topic, bytes(message.payload))

    client = new_client()
    client.on_connect, client.on_message = on_connect, on_message
    client.connect_timeout = ANSWER_SECONDS
    try:
        client.connect(settings.edge_broker_host, settings.edge_broker_port)
    except OSError:
        return word
    client.loop_start()
    heard.wait(ANSWER_SECONDS)
    client.disconnect()
    client.loop_stop()
    return word


def findings(settings: Settings, word: Word) -> Iterator[Finding]:
    """The broker, the bridge and the token."""
    where = f"{settings.edge_broker_host}:{settings.edge_broker_port}"
    if not word.answers:
        yield ill(f"The edge broker at {where} does not answer: start it, and see why it ended: {LOGS}")
        return
    yield well(f"The edge broker at {where} answers.")
    yield _bridge(word.bridge)
    yield _token(word.token, time.time())


def _bridge(state: str) -> Finding:
    if state == "1":
        return well("The bridge to the cloud is up.")
    if state == "0":
        return ill(f"The bridge to the cloud is down, captures wait: check the token, CLOUD_HOST and its port; {LOGS}")
    return known("Nobody says whether the bridge to the cloud is up: this is not the shipped edge broker.")


def _token(text: str, now: float) -> Finding:
    if not text:
        return known("Nobody says whether there is a token: this is not the shipped edge broker.")
    try:
        said = json.loads(text)
        name, where, expires = str(said["name"]), f"{said['host']}:{int(said['port'])}", int(said["expires"])
    except (ValueError, KeyError, TypeError):
        return ill(
            "There is no token: on the cloud host run 'docker compose -f docker-compose.cloud.yml run --rm enroll NAME'"
            " and set the EDGE_TOKEN it prints in .env."
        )
    days, until = (expires - now) / DAY_SECONDS, f"{datetime.fromtimestamp(expires, UTC):%Y-%m-%d}"
    if days <= 0:
        return ill(f"The token of {name} expired on {until}: make a new one with enroll {name} --renew.")
    if days < SOON_DAYS:
        return known(f"The token of {name} ends in {days:.0f} days: make a new one with enroll {name} --renew.")
    return well(f"The token of {name} for {where} is good until {until}.")
