"""However large the messages of an edge are, the uploader stays inside its container's memory."""

import re
from pathlib import Path

from dev.harness.process import wait_for
from tests.cloud.rig import Broker, Bucket, Edge, S3Proxy, Uploaders
from tests.support.attacks.flood import Flood
from tests.support.images import pictures
from tests.support.images.hostile_images import jpeg

MESSAGES = 16
PADDING_BYTES = 16_700_000
MEMORY_LIMIT = 1 << 30  # mem_limit of the Compose file
SECONDS = 60.0


def peak_bytes(pid: int) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) << 10


def test_the_largest_messages_fit_into_memory_while_s3_is_away_and_all_are_stored_when_it_is_back(
    broker: Broker, uploaders: Uploaders, edge: Edge, bucket: Bucket, s3_proxy: S3Proxy
) -> None:
    process = uploaders.start_healthy()
    s3_proxy.close()
    plain = jpeg(9, 9)
    with Flood(broker.port) as flood:
        for number in range(MESSAGES):
            flood.send(plain[:-2] + bytes([1, number]) * (PADDING_BYTES // 2) + plain[-2:])
            flood.send(plain[:-2] + bytes([2, number]) * (PADDING_BYTES // 2) + plain[-2:], qos=0)
        picture = pictures.png(1)
        edge.send(picture)
        s3_proxy.open()

        wait_for(lambda: pictures.identity(picture) in edge.stored(), seconds=SECONDS, what="the honest image")
        wait_for(lambda: len(bucket.list_keys("flood/")) >= MESSAGES, seconds=SECONDS, what="the large images")
    assert process.alive()
    peak = peak_bytes(process.popen.pid)
    assert peak < MEMORY_LIMIT, f"{peak >> 20} MiB"
