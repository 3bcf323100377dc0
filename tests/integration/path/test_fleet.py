"""A whole way with a gallery at its end: a camera that is covered, and an edge that is killed. About two minutes."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from camera.sources.frame import Image
from dev.bench.rig.footage import HEIGHT, WIDTH, hand, room
from dev.harness.process import wait_for
from tests.cloud.gallery.rig import Gallery, gallery
from tests.support.programs.journey import START_SECONDS, Journey
from tests.support.webhook import Webhook, listening

pytestmark = [
    pytest.mark.skipif(os.environ.get("REALITY") != "1", reason="waits for minutes: REALITY=1 runs it"),
    pytest.mark.timeout(500),
]

FRAMES_A_SECOND = 5
USUAL_SECONDS, COVERED_SECONDS = 15, 120
SEEN_SECONDS, TOLD_SECONDS = 10.0, 90.0


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with listening() as webhook:
        yield webhook


def film(file: Path) -> Path:
    """A room, and then a hand on the lens; of what stays there are four frames, each with noise of its own."""
    random, usual = np.random.default_rng(3), room(3)
    cover = hand(random)

    def noisy(clean: Image) -> Image:
        return np.clip(clean + random.normal(0, 3, (HEIGHT, WIDTH, 1)), 0, 255).astype(np.uint8)

    before = [noisy(usual) for _ in range(4)]
    comes = [noisy(cover(usual, number / FRAMES_A_SECOND)) for number in range(2 * FRAMES_A_SECOND)]
    covered = [noisy(cover(usual, 2)) for _ in range(4)]
    frames = [before[number % 4] for number in range(USUAL_SECONDS * FRAMES_A_SECOND)] + comes
    frames += [covered[number % 4] for number in range(COVERED_SECONDS * FRAMES_A_SECOND)]
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), FRAMES_A_SECOND, (WIDTH, HEIGHT))
    for frame in frames:
        writer.write(frame)
    writer.release()
    return file


def camera_of(page: Gallery) -> dict[str, Any]:
    edges = {edge["name"]: edge for edge in page.get("/api/edges")["edges"]}
    return dict(next(iter(edges["porch"]["cameras"]), {})) if "porch" in edges else {}


def test_a_covered_camera_is_on_the_page_within_10_s_and_a_killed_edge_is_told_within_90_s(
    journey: Journey, tmp_path: Path, webhook: Webhook
) -> None:
    journey.uploader()
    settings = {
        "CLOUD_BROKER_PORT": str(journey.cloud_broker.port),
        "S3_BUCKET": journey.bucket,
        "S3_ENDPOINT_URL": journey.store.endpoint,
        "AWS_ACCESS_KEY_ID": journey.store.access_key,
        "AWS_SECRET_ACCESS_KEY": journey.store.secret_key,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NOTIFY_URLS": webhook.address,
    }
    with gallery(tmp_path / "gallery", settings) as page:
        camera = journey.camera(CAMERA_SOURCE=str(film(tmp_path / "film.avi")))
        wait_for(lambda: camera_of(page).get("online"), seconds=START_SECONDS, what="the camera on the page")
        begins = wait_for(
            lambda: camera_of(page).get("state") == "running" and time.monotonic(), seconds=30, what="it runs"
        )
        covered = begins + USUAL_SECONDS

        wait_for(lambda: camera_of(page).get("blind"), seconds=60, what="the blind camera on the page")
        seen = time.monotonic() - covered
        wait_for(lambda: webhook.posts, seconds=90, what="a message of the blind camera")

        camera.kill()
        journey.edge_broker.kill()
        killed = time.monotonic()
        gone = "The edge porch is gone: nothing was heard from it."
        wait_for(lambda: gone in webhook.titles(), seconds=TOLD_SECONDS, what="the message")
        told = time.monotonic() - killed

    print(f"blind on the page after {seen:.1f} s, told of the killed edge after {told:.1f} s", webhook.titles())
    assert seen <= SEEN_SECONDS
