"""Counts captures along their way from the camera to the bucket; the uploader's image runs this file in the demo."""

import argparse
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

LINE_SECONDS = 2.0
LINK_SECONDS = 30.0
ANSWER_SECONDS = 30.0
ONE_HOUR = 3600


class ProgressError(Exception):
    """What does not answer, in a sentence."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where to look: two brokers and a bucket."""

    edge_host: str
    edge_port: int
    cloud_host: str
    cloud_port: int
    endpoint: str
    pictures_at: str  # the endpoint as a browser on this machine reaches it
    bucket: str


@dataclass(frozen=True, slots=True)
class Counts:
    camera: int
    edge: int
    cloud: int
    bucket: int

    def line(self, seconds: float) -> str:
        return (
            f"{seconds:5.0f} s   camera {self.camera:4}   edge broker {self.edge:4}"
            f"   over the bridge {self.cloud:4}   bucket {self.bucket:4}"
        )

    def gap(self, wanted: int) -> str:
        """Say in a sentence where captures stopped."""
        if self.camera == 0 and self.edge == 0:
            return "the camera captured nothing"
        if self.edge < wanted and self.edge < self.camera:
            return f"{self.camera} captures were made, but {self.edge} reached the edge broker"
        if self.cloud < min(wanted, self.edge):
            return f"{self.edge} captures reached the edge broker, but {self.cloud} crossed the bridge"
        if self.bucket < min(wanted, self.cloud):
            return f"{self.cloud} captures crossed the bridge, but {self.bucket} are in the bucket"
        return f"only {self.bucket} captures were made in time"


class Listener:
    """Counts the captures that pass a broker, and remembers what the camera says of itself."""

    def __init__(self, host: str, port: int, images: str) -> None:
        self._images = images
        self._ids: set[str] = set()
        self._captured = 0
        self._ready = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.on_connect = self._subscribe
        self._client.on_message = self._count
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.connect_async(host, port)
        self._client.loop_start()

    def wait(self, seconds: float) -> bool:
        """Wait until captures are counted; False when the broker does not answer in time."""
        return self._ready.wait(seconds)

    def seen(self) -> int:
        return len(self._ids)

    def captured(self) -> int:
        return self._captured

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _subscribe(self, client: mqtt.Client, *_: Any) -> None:
        client.subscribe([(self._images, SubscribeOptions(qos=1)), ("usbcam/status/+", SubscribeOptions(qos=1))])

    def _count(self, _client: mqtt.Client, _userdata: Any, message: mqtt.MQTTMessage) -> None:
        if message.topic.startswith("usbcam/status/"):
            self._captured = int(json.loads(message.payload or b"{}").get("captured", 0))
        else:  # a capture that is sent again counts once
            properties = dict(getattr(message.properties, "UserProperty", []))
            self._ids.add(properties.get("id", str(hash(message.payload))))


class Bucket:
    """The pictures that arrived."""

    def __init__(self, places: Places) -> None:
        config = Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
        self._name = places.bucket
        self._client = boto3.client("s3", endpoint_url=places.endpoint, config=config)
        self._public = boto3.client("s3", endpoint_url=places.pictures_at, config=config)
        self.newest = ""

    def count(self) -> int:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._name)
        keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        pictures = [key for key in keys if not key.startswith("rejected/")]
        self.newest = max(pictures, default="")
        return len(pictures)

    def link(self) -> str:
        """Sign an address that a browser can open."""
        wanted = {"Bucket": self._name, "Key": self.newest}
        return self._public.generate_presigned_url("get_object", Params=wanted, ExpiresIn=ONE_HOUR)


class Progress:
    """Watches all places from the moment it is made, so make it before the camera starts."""

    def __init__(self, places: Places) -> None:
        self._edge = Listener(places.edge_host, places.edge_port, "usbcam/images")
        self._cloud = Listener(places.cloud_host, places.cloud_port, "usbcam/+/images")
        self._bucket = Bucket(places)
        self._stored = 0
        for name, listener in (("edge", self._edge), ("cloud", self._cloud)):
            if not listener.wait(ANSWER_SECONDS):
                raise ProgressError(f"the {name} broker does not answer")

    def follow(self, wanted: int, stop: threading.Event, broken: Callable[[], str] = str) -> str:
        """Print progress until `wanted` captures are in the bucket (0: until stopped); return what failed, if anything.

        `broken` is asked whether a part has died, and says so in a sentence.
        """
        started = time.monotonic()
        deadline = started + 90 + 6 * wanted if wanted else float("inf")
        last, linked = Counts(0, 0, 0, 0), float("-inf")
        while not stop.wait(LINE_SECONDS if last.bucket or not wanted else LINE_SECONDS / 2):
            counts, now = self._counts(), time.monotonic()
            if counts != last:
                print(counts.line(now - started), flush=True)
                last = counts
            if counts.bucket and now - linked > LINK_SECONDS:
                print(f"        newest picture: {self._bucket.link()}", flush=True)
                linked = now
            if wanted and counts.bucket >= wanted:
                return ""
            if problem := broken() or (counts.gap(wanted) if now > deadline else ""):
                return problem
        return ""

    def close(self) -> None:
        self._edge.stop()
        self._cloud.stop()

    def _counts(self) -> Counts:
        try:
            self._stored = self._bucket.count()
        except (BotoCoreError, ClientError) as error:
            print(f"        the bucket does not answer: {error}", flush=True)
        cloud, edge = self._cloud.seen(), self._edge.seen()  # the later place first, so that no count runs ahead
        return Counts(max(self._edge.captured(), edge), edge, cloud, self._stored)


def places_from_environment() -> Places:
    setting = os.environ.get
    endpoint = os.environ["S3_ENDPOINT_URL"]
    return Places(
        edge_host=os.environ["EDGE_BROKER_HOST"],
        edge_port=int(setting("EDGE_BROKER_PORT", "1883")),
        cloud_host=os.environ["CLOUD_BROKER_HOST"],
        cloud_port=int(setting("CLOUD_BROKER_PORT", "1883")),
        endpoint=endpoint,
        pictures_at=setting("PICTURES_AT") or endpoint,
        bucket=os.environ["S3_BUCKET"],
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", type=int, default=0, metavar="N", help="stop when N captures are in the bucket")
    wanted = parser.parse_args().check
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    os.environ.setdefault("AWS_DEFAULT_REGION", os.environ.get("AWS_REGION") or "us-east-1")
    try:
        progress = Progress(places_from_environment())
        print("counting", flush=True)
        problem = progress.follow(wanted, stop)
        progress.close()
    except ProgressError as error:
        problem = str(error)
    if problem:
        print(f"demo: {problem}", flush=True)
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
