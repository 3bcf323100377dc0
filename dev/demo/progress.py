"""Prints how far captures have come, from the camera to the bucket: the demo's display."""

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from common.contract import topics
from dev.demo.counters import Bucket, Listener, Places, places_from_environment
from dev.demo.terminal import Counter

LINE_SECONDS = 2.0
ANSWER_SECONDS = 30.0


class ProgressError(Exception):
    """What does not answer, as a message for the user."""


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
        """Return a message that names where captures stopped."""
        if self.camera == 0 and self.edge == 0:
            return "the camera captured nothing"
        if self.edge < wanted and self.edge < self.camera:
            return f"{self.camera} captures were made, but {self.edge} reached the edge broker"
        if self.cloud < min(wanted, self.edge):
            return f"{self.edge} captures reached the edge broker, but {self.cloud} crossed the bridge"
        if self.bucket < min(wanted, self.cloud):
            return f"{self.cloud} captures crossed the bridge, but {self.bucket} are in the bucket"
        return f"only {self.bucket} captures were made in time"


class Progress:
    """Watches all places from the moment it is made, so make it before the camera starts."""

    def __init__(self, places: Places) -> None:
        self._edge = Listener(places.edge_host, places.edge_port, topics.IMAGES)
        self._cloud = Listener(places.cloud_host, places.cloud_port, topics.EVERY_EDGES_IMAGES)
        self._bucket = Bucket(places)
        self._stored = 0
        for name, listener in (("edge", self._edge), ("cloud", self._cloud)):
            if not listener.wait(ANSWER_SECONDS):
                raise ProgressError(f"the {name} broker does not answer")

    def follow(self, wanted: int, stop: threading.Event, broken: Callable[[], str] = str) -> str:
        """Print progress until `wanted` captures are in the bucket (0: until stopped); return what failed, if anything.

        `broken` returns a message when a part has died.
        """
        started = time.monotonic()
        deadline = started + 90 + 6 * wanted if wanted else float("inf")
        last, counter = Counts(0, 0, 0, 0), Counter(sys.stdout)
        while not stop.wait(LINE_SECONDS if last.bucket or not wanted else LINE_SECONDS / 2):
            counts, now = self._counts(), time.monotonic()
            if counter.in_place or counts != last:
                counter.show(counts.line(now - started))
                last = counts
            if wanted and counts.bucket >= wanted:
                counter.close()
                return ""
            if problem := broken() or (counts.gap(wanted) if now > deadline else ""):
                counter.close()
                return problem
        counter.close()
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
