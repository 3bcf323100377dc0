"""Counts captures where they pass: at the two brokers and in the bucket."""

import json
import os
import threading
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

from common.contract import topics


@dataclass(frozen=True, slots=True)
class Places:
    """Where to look: two brokers and a bucket."""

    edge_host: str
    edge_port: int
    cloud_host: str
    cloud_port: int
    endpoint: str
    bucket: str


def places_from_environment() -> Places:
    setting = os.environ.get
    endpoint = os.environ["S3_ENDPOINT_URL"]
    return Places(
        edge_host=os.environ["EDGE_BROKER_HOST"],
        edge_port=int(setting("EDGE_BROKER_PORT", "1883")),
        cloud_host=os.environ["CLOUD_BROKER_HOST"],
        cloud_port=int(setting("CLOUD_BROKER_PORT", "1883")),
        endpoint=endpoint,
        bucket=os.environ["S3_BUCKET"],
    )


class Listener:
    """Counts the captures that pass a broker, and keeps the count that the camera reports."""

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
        client.subscribe([(self._images, SubscribeOptions(qos=1)), (topics.ALL_STATUSES, SubscribeOptions(qos=1))])

    def _count(self, _client: mqtt.Client, _userdata: Any, message: mqtt.MQTTMessage) -> None:
        if message.topic.startswith(topics.STATUS_PREFIX):
            self._captured = int(json.loads(message.payload or b"{}").get("captured", 0))
        else:  # a capture that is sent again counts once
            properties = dict(getattr(message.properties, "UserProperty", []))
            self._ids.add(properties.get("id", str(hash(message.payload))))


class Bucket:
    """Counts the images that arrived."""

    def __init__(self, places: Places) -> None:
        config = Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            retries={"total_max_attempts": 1},
            request_checksum_calculation="when_required",  # else botocore reads the environment, where they are empty
            response_checksum_validation="when_required",
        )
        self._name = places.bucket
        self._client = boto3.client("s3", endpoint_url=places.endpoint, config=config)

    def count(self) -> int:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._name)
        keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        return sum(not key.startswith("rejected/") for key in keys)
