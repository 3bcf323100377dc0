"""One message is read within what its edge may have, and what an edge may not send is counted."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from tests.support.images import pictures
from uploader.ingest.cameras import MAX_CAMERAS, TOO_MANY
from uploader.ingest.cpu_budget import BURST_SECONDS, CpuBudgets
from uploader.ingest.offences import Offences
from uploader.ingest.parser import InvalidMessageError
from uploader.ingest.poison.guard import MAX_LOSSES, REASON, PoisonGuard
from uploader.ingest.reader import MessageReader
from uploader.metrics import UploadMetrics

PICTURE = pictures.jpeg(1)


class World:
    """A reader with all that it uses; its clock stands still."""

    def __init__(self, folder: Path) -> None:
        self.registry = CollectorRegistry()
        self.poison = PoisonGuard(folder, 1)
        self.budgets = CpuBudgets(clock=lambda: 0.0)
        offences = Offences(on_count=UploadMetrics(self.registry).count_offence)
        self.reader = MessageReader(1_000_000, self.poison, self.budgets, offences)

    def undecoded(self, edge: str) -> list[float | None]:
        """Return what both metrics say of the edge."""
        return [
            self.registry.get_sample_value("usbcam_uploader_undecoded_total", {"edge": edge}),
            self.registry.get_sample_value("usbcam_uploader_offences_total", {"edge": edge, "kind": "undecoded"}),
        ]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_an_image_that_is_too_costly_is_read_undecoded_and_counted_for_its_edge(world: World) -> None:
    world.budgets.reserve("porch", 2 * BURST_SECONDS)

    world.reader.read(pictures.message(PICTURE, topic="usbcam/yard/images"))
    capture = world.reader.read(pictures.message(PICTURE))

    assert (capture.edge, capture.image) == ("porch", PICTURE)
    assert world.undecoded("porch") == [1.0, 1.0]
    assert world.undecoded("yard") == [None, None]


def test_a_poison_message_is_refused_unread(world: World) -> None:
    message = pictures.message(PICTURE)
    for _ in range(MAX_LOSSES):
        world.poison.blame(message)

    with pytest.raises(InvalidMessageError, match=REASON) as refused:
        world.reader.read(message)

    assert refused.value.reason_code == "poison"


def test_one_camera_too_many_is_refused_and_the_others_are_read(world: World) -> None:
    def read(camera: str) -> str:
        return world.reader.read(pictures.message(PICTURE, pictures.properties(PICTURE) | {"camera": camera})).camera

    names = [read(f"camera-{number}") for number in range(MAX_CAMERAS)]

    with pytest.raises(InvalidMessageError, match=TOO_MANY) as refused:
        read("one-more")
    assert refused.value.reason_code == "camera"
    assert read(names[0]) == names[0]
