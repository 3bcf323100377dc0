"""A message that ends the uploader each time it is read comes no more than three times."""

import json
from functools import partial

from dev.harness.process import wait_for
from tests.cloud.rig import Broker, Bucket, Edge, Uploaders
from tests.support.attacks.flood import Flood
from tests.support.images import pictures
from tests.support.images.hostile_images import COSTLY

SECONDS = 30.0


def is_reading_again(uploaders: Uploaders, losses: int) -> bool:
    """Tell whether a new uploader knows of so many losses and has the message in hand."""
    journal = uploaders.folder / "journal"
    suspects, in_hand = journal / "suspects.json", journal / "in-hand.0"
    known = max(json.loads(suspects.read_bytes()).values(), default=0) if suspects.exists() else 0
    return known == losses and in_hand.exists() and b"flood" in in_hand.read_bytes()


def test_what_killed_the_uploader_three_times_is_rejected_unread_and_the_others_are_stored(
    broker: Broker, edge: Edge, uploaders: Uploaders, bucket: Bucket
) -> None:
    uploaders.start_healthy().stop()  # makes the session
    costly = COSTLY["many scans of many pixels"]()
    honest = [pictures.png(number) for number in range(4)]
    with Flood(broker.port) as flood:
        edge.send(honest[0])
        flood.send(costly)
        for picture in honest[1:]:
            edge.send(picture)

    for losses in range(3):
        doomed = uploaders.start()
        wait_for(partial(is_reading_again, uploaders, losses), seconds=SECONDS, what="the message to be read")
        doomed.kill()
        assert not bucket.list_keys("rejected/")
    last = uploaders.start_healthy()

    (key,) = wait_for(lambda: bucket.list_keys("rejected/"), seconds=SECONDS, what="the rejection")
    assert key.startswith("rejected/flood/")
    assert bucket.read(key)[0] == costly
    assert bucket.read(key)[2]["reason"].startswith("reading it ended the uploader or its connection 3 times")
    # Not their receipts: a kill takes along the last ones, and only a camera would send again.
    wait_for(lambda: len(bucket.capture_keys()) == len(honest), seconds=SECONDS, what="the honest images")
    assert not edge.rejected()
    assert "of flood: each is read alone now" in uploaders.started[2].log.read_text() + last.log.read_text()
