"""One enrolled edge attacks the uploader; another must not notice."""

from collections.abc import Callable, Iterator

import pytest

from dev.harness.process import Process, wait_for
from tests.cloud.rig import Broker, Bucket, Edge, Uploaders
from tests.support.attacks.attack import text
from tests.support.attacks.flood import Flood, Properties
from tests.support.images import pictures
from tests.support.images.hostile_images import COSTLY, HOSTILE, jpeg

SECONDS = 30.0  # on a busy machine; alone it is less than five
TIMES = 12
PAIR, CONTENT_TYPE, RESPONSE_TOPIC, CORRELATION = 38, 3, 8, 9

LAYOUTS: dict[str, Callable[[], Properties]] = {
    "empty pairs": lambda: [(PAIR, bytes(4))] * 200_000,
    "pairs of the longest texts": lambda: [(PAIR, text("k" * 60_000) + text("v" * 60_000))] * 8,
    "the same name": lambda: [(PAIR, text("id") + text("x"))] * 5_000,
    "long correlation data": lambda: [(CORRELATION, text("c" * 60_000))],
    "everything at once": lambda: [
        (CONTENT_TYPE, text("t" * 60_000)),
        (RESPONSE_TOPIC, text("r" * 60_000)),
        *[(PAIR, text("e" * 20) + bytes(2))] * 20_000,
    ],
}


class Honest:
    """An edge whose images are stored and receipted, whatever else arrives."""

    def __init__(self, edge: Edge, bucket: Bucket, uploader: Process) -> None:
        self._edge, self._bucket, self._uploader = edge, bucket, uploader
        self._sent: list[str] = []

    def send(self) -> None:
        picture = pictures.png(len(self._sent))
        self._sent.append(pictures.identity(picture))
        self._edge.send(picture)

    def wait(self) -> None:
        """Wait until all of it is stored, on one connection, unless the uploader itself chose another."""
        wait_for(lambda: set(self._sent) <= set(self._edge.stored()), seconds=SECONDS, what="the honest images")
        log = self._uploader.log.read_text()
        assert log.count("Subscribed to") <= 1 + log.count("Connecting again: messages that did not fit"), log
        assert self._uploader.alive()


@pytest.fixture
def honest(edge: Edge, uploaders: Uploaders, bucket: Bucket) -> Honest:
    return Honest(edge, bucket, uploaders.start_healthy())


@pytest.fixture
def flood(broker: Broker) -> Iterator[Flood]:
    with Flood(broker.port) as flood:
        yield flood


@pytest.mark.parametrize("layout", LAYOUTS)
def test_floods_of_properties_hold_nobody_up(flood: Flood, honest: Honest, bucket: Bucket, layout: str) -> None:
    for number in range(3):
        flood.send(b"%d" % number, LAYOUTS[layout]())
        honest.send()

    honest.wait()
    keys = wait_for(
        lambda: keys if len(keys := bucket.list_keys("rejected/flood/")) == 3 else [], seconds=SECONDS, what="rejection"
    )
    reasons = {bucket.read(key)[2]["reason"] for key in keys}
    assert reasons == {"more than 64 user properties or 8 KiB of properties"}


def test_images_made_to_cost_hold_nobody_up(flood: Flood, honest: Honest, bucket: Bucket) -> None:
    for make in HOSTILE.values():
        flood.send(make())
        honest.send()

    honest.wait()
    wait_for(lambda: len(bucket.list_keys("rejected/flood/")) == len(HOSTILE), seconds=SECONDS, what="all rejections")


@pytest.mark.parametrize("name", COSTLY)
def test_sound_images_that_cost_as_much_as_they_may_hold_nobody_up(
    flood: Flood, honest: Honest, name: str, bucket: Bucket
) -> None:
    costly = COSTLY[name]()
    for number in range(TIMES):
        end = len(costly) - (12 if costly.startswith(b"\x89") else 2)
        comment = (
            pictures.chunk(b"tEXt", b"n\0%d" % number) if costly.startswith(b"\x89") else b"\xff\xfe\0\4%02d" % number
        )
        flood.send(costly[:end] + comment + costly[end:])
        honest.send()

    honest.wait()
    wait_for(
        lambda: len([key for key in bucket.list_keys("flood/") if not key.startswith("rejected/")]) == TIMES,
        seconds=2 * SECONDS,
        what="the costly images, decoded or not",
    )


@pytest.mark.parametrize("qos", [0, 1])
def test_the_largest_messages_hold_nobody_up(flood: Flood, honest: Honest, qos: int) -> None:
    large = jpeg(9, 9)[:-2] + bytes(16_700_000) + b"\xff\xd9"
    for _ in range(TIMES):
        flood.send(large, qos=qos)
        honest.send()

    honest.wait()
