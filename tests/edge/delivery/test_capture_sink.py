"""From the cameras into the spool: what is refused, and what a capture costs."""

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

import numpy as np
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode
from prometheus_client import CollectorRegistry

from camera.config.settings import Settings
from camera.delivery.capture_sink import CaptureSink
from camera.delivery.events import CaptureState
from camera.delivery.history import DeliveryHistory
from camera.delivery.latency import DeliveryMetrics
from camera.delivery.publisher import MAX_VISITS, Publisher
from camera.delivery.spool import Spool
from camera.pipeline.tracking.detector import Detection
from camera.pipeline.visits.encoder import CaptureEncoder
from camera.sources.frame import Frame
from common.contract import topics
from common.contract.capture import Box, Capture, ShotKind
from common.contract.receipt import Receipt, StoredCapture
from common.contract.visit import Visit
from dev.harness.process import wait_for

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ROOM = 1_000_000

Make = Callable[[int], Capture]


class Parts:
    """A sink above a spool, and a publisher whose MQTT client only notes what it is given."""

    def __init__(self, folder: Path) -> None:
        self.history, self.spool = DeliveryHistory(), Spool(folder, ROOM)
        self.client = mock.Mock()
        self.client.publish.return_value.mid = 1
        metrics = DeliveryMetrics(CollectorRegistry(), ["porch"])
        with mock.patch("camera.delivery.publisher.new_camera_client", return_value=self.client):
            self.publisher = Publisher(Settings(), self.spool, (self.history, metrics))
        self.sink = CaptureSink(self.spool, self.publisher, self.history)

    def deliver(self) -> None:
        """Connect, wait until the last capture is published, and play the cloud that stores it."""
        self.publisher.start()
        self.client.on_connect(None, None, None, ReasonCode(PacketTypes.CONNACK), None)
        self._wait_for(CaptureState.PUBLISHED)
        receipt = Receipt(stored=(StoredCapture(self.history.recent()[0].id, "porch/1.png"),))
        message = mqtt.MQTTMessage(topic=topics.RECEIPTS.encode())
        message.payload = receipt.to_json()
        self.client.on_message(None, None, message)
        self._wait_for(CaptureState.STORED)
        self.publisher.stop()

    def _wait_for(self, state: CaptureState) -> None:
        wait_for(lambda: self.history.recent()[0].state is state, seconds=10, what=state)


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    parts = Parts(tmp_path / "spool")
    yield parts
    parts.spool.close()


def visit_of(*captures: Capture) -> Visit:
    return Visit("1", "porch", NOON, NOON, tuple(capture.id for capture in captures), captures[-1].id)


def test_nothing_is_refused_while_there_is_room(parts: Parts, make_capture: Make) -> None:
    captures = [make_capture(1), make_capture(2)]

    assert parts.sink.accept(captures, [visit_of(*captures)]) == set()
    assert parts.spool.ids() == [capture.id for capture in captures]
    assert [record.state for record in parts.history.recent()] == [CaptureState.SPOOLED] * 2


def test_captures_that_cannot_be_spooled_are_returned(
    parts: Parts, make_capture: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = make_capture(1), make_capture(2)
    replace = Path.replace

    def replace_or_fail(path: Path, target: Path) -> Path:
        if bad.id in path.name:
            raise OSError(28, "No space left on device")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", replace_or_fail)

    assert parts.sink.accept([good, bad], []) == {bad.id}
    assert parts.spool.ids() == [good.id]
    assert [record.id for record in parts.history.recent()] == [good.id]


def test_a_visit_is_published(parts: Parts, make_capture: Make) -> None:
    visit = visit_of(make_capture(1), make_capture(2))

    parts.sink.accept([], [visit])

    assert parts.client.publish.call_args.args == (topics.VISITS, visit.to_json())


def test_a_capture_is_hashed_once_when_it_is_made_and_once_when_it_comes_from_disk(parts: Parts) -> None:
    encoder = CaptureEncoder(camera="porch", whole_frame=True, margin=0, image_format="png")
    frame = Frame(np.zeros((16, 16, 3), np.uint8), NOON, 0.0, 0)
    shot = encoder.crop(frame, Detection(Box(1, 2, 3, 4), 0.9), 0.5, "1")

    with mock.patch.object(hashlib, "sha256", wraps=hashlib.sha256) as sha256:
        capture = encoder.encode(shot, ShotKind.FIRST)
        made = sha256.call_count
        parts.sink.accept([capture], [visit_of(capture)])
        parts.deliver()

    (record,) = parts.history.recent()
    assert record.state is CaptureState.STORED
    assert not parts.spool.depth
    assert made == 1
    assert sha256.call_count == 2


def test_what_an_earlier_run_left_is_published_when_a_capture_opens_a_spool_that_could_not_be_opened(
    tmp_path: Path, make_capture: Make
) -> None:
    folder, away = tmp_path / "spool", tmp_path / "away"
    earlier = Spool(folder, ROOM)
    earlier.put(make_capture(1))
    earlier.close()
    folder.rename(away)
    folder.touch()  # as a disk that is not mounted yet
    parts = Parts(folder)
    folder.unlink()
    away.rename(folder)

    with mock.patch.object(parts.publisher, "publish") as publish:
        assert parts.sink.accept([make_capture(2)], []) == set()
        assert parts.sink.accept([make_capture(3)], []) == set()

    published = [call.args[0] for call in publish.call_args_list]
    assert published == [make_capture(number).id for number in (2, 1, 3)]
    parts.spool.close()


def test_no_more_visits_than_a_thousand_wait_for_the_broker(parts: Parts, make_capture: Make) -> None:
    visit = visit_of(make_capture(1))
    parts.client.publish.side_effect = [mock.Mock(mid=number) for number in range(MAX_VISITS + 1)]
    for _ in range(MAX_VISITS + 10):
        parts.publisher.publish_visit(visit)
    assert parts.client.publish.call_count == MAX_VISITS

    parts.client.on_publish(parts.client, None, 3, mock.Mock(is_failure=False), None)
    parts.publisher.start()

    def publishes_one_more() -> bool:
        parts.publisher.publish_visit(visit)
        return bool(parts.client.publish.call_count > MAX_VISITS)

    wait_for(publishes_one_more, seconds=10, what="room for a visit")
    parts.publisher.stop()
