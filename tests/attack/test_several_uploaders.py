"""One edge floods several uploaders, which share its images; another must not notice."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from dev.harness.process import wait_for
from tests.attack.test_memory import MEMORY_LIMIT, peak_bytes
from tests.cloud.rig import Broker, Bucket, Edge, Uploaders
from tests.support.attacks.flood import Flood, Properties
from tests.support.images import pictures
from tests.support.images.hostile_images import HOSTILE, jpeg

SECONDS = 30.0  # on a busy machine; alone each image takes less than one
UPLOADERS, WAYS = 2, 4
PADDING_BYTES = 4_000_000
TOO_MANY_PROPERTIES: Properties = [(38, bytes(4))] * 50_000
COSTLY = ("fill bytes between segments", "tables of rows without rows")


def attacks() -> list[Callable[[Flood, int], None]]:
    plain, costly = jpeg(9, 9), [HOSTILE[name]() for name in COSTLY]
    return [
        lambda flood, number: flood.send(plain[:-2] + bytes([1, number]) * (PADDING_BYTES // 2) + plain[-2:]),
        lambda flood, number: flood.send(plain[:-2] + bytes([2, number]) * (PADDING_BYTES // 2) + plain[-2:], qos=0),
        lambda flood, number: flood.send(b"%d" % number, TOO_MANY_PROPERTIES),
        lambda flood, number: flood.send(costly[number // WAYS % len(costly)] + b"%d" % number),
    ]


def test_whatever_one_edge_sends_to_two_uploaders_holds_nobody_up(
    broker: Broker, edge: Edge, uploaders: Uploaders, bucket: Bucket, tmp_path: Path
) -> None:
    folders = [tmp_path / f"uploader-{number}" for number in range(UPLOADERS)]
    several = [replace(uploaders, folder=folder, started=[]) for folder in folders]
    processes = [one.start_healthy(UPLOADERS=str(UPLOADERS)) for one in several]
    honest, ways = [pictures.png(number) for number in range(8)], attacks()

    try:
        with Flood(broker.port) as flood:
            for number in range(0, len(honest), UPLOADERS):  # the broker hands them out in turn: each gets of both
                for turn in range(number, number + UPLOADERS):
                    ways[turn % len(ways)](flood, turn)
                edge.send_all(honest[number : number + UPLOADERS])
        wait_for(lambda: len(edge.stored()) == len(honest), seconds=SECONDS, what="the honest images")
        rejected = len(honest) // 2  # two of the four ways
        wait_for(lambda: len(bucket.list_keys("rejected/flood/")) == rejected, seconds=SECONDS, what="rejections")
        for process in processes:
            assert process.alive()
            assert peak_bytes(process.popen.pid) < MEMORY_LIMIT
            assert process.log.read_text().count("Subscribed to") == 1
            assert "Rejected a message from flood" in process.log.read_text()
    finally:
        for one in several:
            one.stop_all()
