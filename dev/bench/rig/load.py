"""Images as the camera sends them, and senders."""

import functools
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
from numpy.typing import NDArray
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from camera.pipeline.visits.encoder import encode
from common.contract import topics
from common.contract.capture import Box, Capture, CaptureMetadata
from common.contract.times import whole_milliseconds
from dev.harness.enrolment import Credentials
from dev.harness.process import LOOPBACK

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
BOX = Box(100, 100, 120, 160)
SIDES = {8: 60, 80: 197}  # of a square PNG with so many kilobytes
EDGE = "porch"
SECONDS = 20.0
AT_ONCE = 500  # messages that paho holds while the broker has not answered


def captures(kilobytes: int, count: int) -> Iterator[Capture]:
    """Pictures with the noise of a camera, each different, a millisecond apart."""
    side = SIDES[kilobytes]
    slope = np.add.outer(np.arange(side), np.arange(side))[:, :, None] * 100 // side
    noise = np.random.default_rng(1).integers(0, 32, (side, side, 3))
    plain = encode((slope + noise).astype(np.uint8), "png")
    for number in range(count):
        captured_at = BEGAN + timedelta(milliseconds=number)
        yield Capture.create(CaptureMetadata("bench", captured_at, BOX, 0.9), plain)


def unique(kilobytes: int, count: int) -> Iterator[Callable[[], Capture]]:
    """Makers of captures that are captured and encoded when they are called, and that no run had before."""
    side = SIDES[kilobytes]
    picture = np.random.default_rng().integers(0, 100, (side, side, 3)).astype(np.uint8)
    slope = (np.add.outer(np.arange(side), np.arange(side))[:, :, None] * 100 // side + picture % 32).astype(np.uint8)
    for number in range(count):
        yield functools.partial(_taken, slope, number)


def _taken(picture: NDArray[np.uint8], number: int) -> Capture:
    captured_at = whole_milliseconds(datetime.now(UTC))
    cv2.putText(picture, f"{number:06}", (0, 12), cv2.FONT_HERSHEY_PLAIN, 1, (number % 256, 0, 255), 1)
    return Capture.create(CaptureMetadata("bench", captured_at, BOX, 0.9), encode(picture, "png"))


def properties(capture: Capture) -> Properties:
    """The properties sent with the image."""
    said = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho's own gap
    said.ContentType = capture.content_type
    said.UserProperty = capture.properties()
    return said


def queue(port: int, credentials: Credentials, kilobytes: int, count: int) -> None:
    """Send so many pictures as an edge, as fast as the cloud broker takes them; return when it has taken all."""
    free = threading.Semaphore(AT_ONCE)
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    client.tls_set(str(credentials.authority), str(credentials.certificate), str(credentials.key))
    client.max_inflight_messages_set(AT_ONCE)
    client.on_publish = lambda *_: free.release()
    client.connect(LOOPBACK, port)
    client.loop_start()
    for capture in captures(kilobytes, count):
        _acquire(free, port)
        client.publish(topics.edge_images(EDGE), capture.image, 1, properties=properties(capture))
    for _ in range(AT_ONCE):
        _acquire(free, port)
    client.disconnect()
    client.loop_stop()


def make_session(port: int, client_id: str, topic: str) -> None:
    """Leave a subscription behind for which the broker keeps what comes."""
    subscribed = threading.Event()
    client = Client(CallbackAPIVersion.VERSION2, client_id, clean_session=False)
    client.on_connect = lambda client, *_: client.subscribe(topic, qos=1)
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect(LOOPBACK, port)
    client.loop_start()
    if not subscribed.wait(SECONDS):
        raise TimeoutError(f"the broker at port {port} does not take subscriptions")
    client.disconnect()
    client.loop_stop()


def _acquire(free: threading.Semaphore, port: int) -> None:
    if not free.acquire(timeout=SECONDS):
        raise TimeoutError(f"the broker at port {port} does not take images")
