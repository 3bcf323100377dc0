"""What a capture and an idle second cost in counts, which no slow machine changes: encodings, fsyncs, PUTs, ..."""

import contextlib
import hashlib
import json
import os
import re
import socket
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

import cv2
import pytest

from camera.config.settings import Settings
from camera.delivery.publisher import Publisher
from camera.delivery.spool import Spool
from camera.pipeline.analyzer import FrameAnalyzer
from camera.pipeline.tracking.detector import FaceDetector
from camera.sources.decoding.doubt import Doubt
from camera.sources.frame import Frame, SourceEndedError
from camera.sources.reader.sampler import FrameSampler
from camera.sources.synthetic.scene import Scene
from camera.sources.video.file import FileSource
from common.contract.capture import Capture
from dev.harness.process import wait_for
from tests.cloud.rig import S3Proxy
from tests.support.mqtt import Client
from tests.support.programs.journey import START_SECONDS, Journey
from tests.support.rig import Store

VISITS = 4
RATE = 10
IDLE_SECONDS = 20
REQUEST = re.compile(rb"(PUT|POST|HEAD|GET|DELETE) /(\S+) HTTP/1\.1\r\n")


class Recorder(S3Proxy):
    """A proxy that keeps what S3 is asked."""

    def __init__(self, target: str) -> None:
        self.asked: dict[socket.socket, bytearray] = {}
        super().__init__(target)

    def requests(self) -> Counter[str]:
        """How many of each kind there were, about objects and about the bucket."""
        found = [match for sent in list(self.asked.values()) for match in REQUEST.findall(bytes(sent))]
        return Counter(f"{method.decode()} {'object' if b'.png' in path else 'bucket'}" for method, path in found)

    def note(self, source: socket.socket, data: bytes) -> None:
        self.asked.setdefault(source, bytearray()).extend(data)


@pytest.fixture
def s3_proxy(store: Store) -> Iterator[Recorder]:
    s3_proxy = Recorder(store.endpoint)
    yield s3_proxy
    s3_proxy.close()


def visits() -> tuple[list[Capture], int]:
    """What the scene's visits give, and how many pictures were encoded for it."""
    analyzer, scene, captures = FrameAnalyzer(Settings()), Scene(640, 480, seed=3, visits=VISITS), list[Capture]()
    began, number = datetime.now(UTC), 0
    with mock.patch.object(cv2, "imencode", wraps=cv2.imencode) as encode:
        while not scene.ended(number / RATE):
            at = timedelta(seconds=number / RATE)
            captures += analyzer.process(Frame(scene.draw(number / RATE), began + at, number / RATE, number)).captures
            number += 1
        captures += analyzer.flush().captures
    return captures, encode.call_count


def test_a_capture_costs_one_encoding_two_fsyncs_one_publish_and_one_put(journey: Journey, s3_proxy: Recorder) -> None:
    captures, encoded = visits()
    spool = Spool(journey.folder / "spool", 1 << 30)
    publisher = Publisher(Settings(edge_broker_port=journey.edge_broker.port), spool, ())
    journey.uploader(S3_ENDPOINT_URL=s3_proxy.endpoint)
    with Client(journey.edge_broker.port) as edge, Client(journey.cloud_broker.port) as cloud:
        edge.subscribe("usbcam/images")
        cloud.subscribe("usbcam/porch/#")
        publisher.start()
        sha256 = mock.patch.object(hashlib, "sha256", wraps=hashlib.sha256)
        with mock.patch.object(os, "fsync", wraps=os.fsync) as fsync, sha256 as hashed:
            for capture in captures:
                spool.put(capture)
                publisher.publish(capture.id)
            wait_for(lambda: not spool.depth, seconds=START_SECONDS, what="all receipts")
        publisher.stop()
        spool.close()
        topics = Counter(message.topic for message in cloud.messages)
        receipts = [json.loads(message.payload) for message in cloud.messages if message.topic.endswith("/receipts")]

    count = len(captures)
    assert VISITS <= count <= 2 * VISITS
    assert encoded == count
    assert fsync.call_count == 2 * count  # the file's bytes, and its name
    assert hashed.call_count == count  # of what was read from the disk; what was made had its id before
    assert len(edge.messages) == topics["usbcam/porch/images"] == count
    assert sum(len(receipt["stored"]) for receipt in receipts) == count
    assert topics["usbcam/porch/receipts"] <= count
    asked = s3_proxy.requests()
    # Once a run the store is proven: the first object is read back, and written again where it must be refused.
    expected = {"PUT object": count + 1, "GET object": 1}
    assert {kind: number for kind, number in asked.items() if kind.endswith("object")} == expected
    assert len(journey.objects()) == count


def test_a_second_in_which_nothing_happens_costs_four_decodings_and_hardly_a_search(tmp_path: Path) -> None:
    film, empty = tmp_path / "nobody.avi", Scene(640, 480, seed=3, visits=1).draw(0.0)
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter.fourcc(*"MJPG"), RATE, (640, 480))
    for _ in range(IDLE_SECONDS * RATE):
        writer.write(empty)
    writer.release()
    source, sampler, analyzer = FileSource(film), FrameSampler(RATE), FrameAnalyzer(Settings())
    decoding = mock.patch.object(Doubt, "covers", autospec=True, side_effect=Doubt.covers)
    searching = mock.patch.object(FaceDetector, "detect", autospec=True, side_effect=FaceDetector.detect)

    with decoding as decode, searching as search, contextlib.suppress(SourceEndedError):
        while True:
            if sampler.accept(source.grab()) and (frame := source.retrieve()):
                analyzer.process(frame)
                sampler.rate = analyzer.rate

    assert decode.call_count <= 4 * IDLE_SECONDS + 2  # two until it is known that nothing moves
    assert search.call_count <= 10 / 2 + IDLE_SECONDS / 8
