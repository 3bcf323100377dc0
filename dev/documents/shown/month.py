"""A bucket with a month of visits, and edges that say how they are."""

import json
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
import obstore
from cv2.typing import MatLike

from camera.sources.frame import Image
from camera.sources.synthetic.drawing import render
from camera.sources.synthetic.person import random_person
from common.contract.certificate_expiry import CertificateExpiry
from common.contract.times import timestamp, whole_milliseconds
from common.mqtt import new_client
from dev.harness.object_store import make_bucket, quick_store, start_store
from dev.harness.process import LOOPBACK, Process, free_port, start, until_up
from dev.harness.services import answers_mqtt, start_gallery
from storage.capture import Capture
from storage.keys.template import DEFAULT_TEMPLATE, object_key

KEY, SECRET, BUCKET = "usbcam-pictures", "usbcam-pictures-secret", "porch-and-garden"
CAMERAS = (("home", "front-door"), ("home", "garden"), ("workshop", "gate"))
PEOPLE = 10
HOURS = (7, 8, 12, 13, 16, 17, 18, 19)
WALL = (186, 182, 172)
COMES, BLURS = 0.75, 0.06  # shares of visits
SAY_SECONDS = 3.0
PUTS_AT_ONCE = 8

Statuses = dict[tuple[str, str], Mapping[str, object]]


@dataclass(slots=True)
class Month:
    """A running gallery and what it shows."""

    address: str
    statuses: Statuses  # by edge and camera; what is changed here is said within seconds
    parts: dict[str, Process]
    folder: Path


def well(**words: object) -> Mapping[str, object]:
    """What a camera says that is fine."""
    return {
        "online": True,
        "version": "0.1.0",
        "waiting": 0,
        "state": "running",
        "problem": None,
        "blind": None,
    } | words


@contextmanager
def month(
    folder: Path, *, days: int, people: int = PEOPLE, hours: Sequence[int] = HOURS, **settings: str
) -> Iterator[Month]:
    """Run a gallery over so many days of visits at some hours; few people and hours are drawn faster."""
    store_port, broker_port, port = free_port(), free_port(), free_port()
    parts = {"store": start_store(folder / "store", port=store_port, access_key=KEY, secret_key=SECRET)}
    try:
        endpoint = f"http://{LOOPBACK}:{store_port}"
        make_bucket(endpoint, KEY, SECRET, BUCKET)
        _fill(endpoint, visits(days, people, hours, datetime.now(UTC)))
        parts["broker"] = _start_broker(folder / "broker", broker_port)
        given = {
            "GALLERY_PORT": str(port),
            "GALLERY_DELETE": "on",
            "CLOUD_BROKER_PORT": str(broker_port),
            "S3_BUCKET": BUCKET,
            "S3_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_EC2_METADATA_DISABLED": "true",
            "CERTIFICATES_FILE": str(_enrolled(folder / "dates.json")),
        }
        parts["gallery"] = start_gallery(folder / "gallery", **(given | settings))
        statuses: Statuses = {each: well(last_captured_at=timestamp(datetime.now(UTC))) for each in CAMERAS}
        with _speaking(broker_port, statuses):
            yield Month(f"http://{LOOPBACK}:{port}", statuses, parts, folder)
    finally:
        for part in reversed(parts.values()):
            part.kill()


def _start_broker(folder: Path, port: int) -> Process:
    folder.mkdir(parents=True)
    file = folder / "mosquitto.conf"
    file.write_text(f"listener {port} {LOOPBACK}\nallow_anonymous true\nuser root\n", encoding="utf-8")
    process = start("mosquitto", ["mosquitto", "-c", str(file)], folder, {"PATH": "/usr/sbin:/usr/bin:/usr/local/sbin"})
    return until_up(process, lambda: answers_mqtt(port))


def _enrolled(file: Path) -> Path:
    ends = datetime.now(UTC) + timedelta(days=700)
    soon = datetime.now(UTC) + timedelta(days=12)
    file.write_bytes(CertificateExpiry(edges={"home": ends, "workshop": soon, "barn": ends}).to_json())
    return file


@contextmanager
def _speaking(port: int, statuses: Statuses) -> Iterator[None]:
    """Say again and again how each camera is."""
    client, stop = new_client(), threading.Event()
    client.connect(LOOPBACK, port)
    client.loop_start()

    def speak() -> None:
        while True:
            for (edge, camera), said in list(statuses.items()):
                client.publish(
                    f"usbcam/{edge}/status/{camera}", json.dumps({"at": timestamp(datetime.now(UTC)), **said})
                )
            if stop.wait(SAY_SECONDS):
                return

    speaker = threading.Thread(target=speak, daemon=True)
    speaker.start()
    yield
    stop.set()
    speaker.join()
    client.loop_stop()
    client.disconnect()


def _fill(endpoint: str, captures: Iterable[Capture]) -> None:
    store = quick_store(endpoint, KEY, SECRET, BUCKET)

    def put(capture: Capture) -> None:
        key = object_key(DEFAULT_TEMPLATE, capture)
        attributes = {"Content-Type": capture.content_type, **capture.object_metadata}
        obstore.put(store, key, capture.image, attributes=attributes, use_multipart=False)

    with ThreadPoolExecutor(PUTS_AT_ONCE) as pool:
        list(pool.map(put, captures))


def visits(days: int, people: int, hours: Sequence[int], now: datetime) -> Iterator[Capture]:
    """At least one visit on each day until now, one to three pictures each; the same ones for the same time."""
    random = np.random.default_rng(7)
    for back in range(days):
        day = (now - timedelta(days=back)).replace(minute=0, second=0, microsecond=0)
        over = [hour for hour in hours if back or hour < now.hour]
        whens = [day.replace(hour=hour) + timedelta(minutes=float(random.uniform(0, 58))) for hour in over]
        recent = [] if back else [now - timedelta(minutes=minutes) for minutes in (4, 26)]
        for place, began in enumerate((*whens, *recent)):
            if random.random() < COMES or not back or not place:
                yield from _visit(began, f"{back}-{place}", people, random)


def _visit(began: datetime, track: str, people: int, random: np.random.Generator) -> Iterator[Capture]:
    edge, camera = CAMERAS[int(random.choice(3, p=(0.6, 0.25, 0.15)))]
    person, shots = int(random.integers(people)), int(random.choice((1, 2, 3), p=(0.3, 0.4, 0.3)))
    poor = "blurred" if random.random() < BLURS else ""
    for number in range(shots):
        image = _portrait(person, number, bool(poor))
        details = {"track": track, "quality": f"{0.5 + 0.1 * number:.3f}", "score": "0.930", "box": "420,180,160,190"}
        details |= {"shot": ("first", "better", "last")[number], "timezone": "Europe/Berlin"}
        if poor:
            details["poor"] = poor
        at = whole_milliseconds(began + timedelta(seconds=11 * number))
        yield Capture(
            edge, camera, at, image, "image/jpeg", sha256(image + track.encode()).hexdigest(), details=details
        )


@lru_cache(maxsize=PEOPLE * 6)
def _portrait(person: int, pose: int, blurred: bool) -> bytes:  # noqa: FBT001 (a key of the cache)
    """Head and shoulders before a wall, a little otherwise in each shot."""
    drawn, opaque = _person(person)
    noise = np.random.default_rng(person * 10 + pose).normal(0, 3, (*drawn.shape[:2], 1))
    whole: Image = np.clip(drawn * opaque + np.array(WALL) * (1 - opaque) + noise, 0, 255).astype(np.uint8)
    shift = 6 * pose
    image: Image = whole[20 + shift : 380 + shift, 40 + shift : 310 + shift]
    if blurred:
        image = cv2.GaussianBlur(image, (0, 0), 6).astype(np.uint8)
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()


@lru_cache(maxsize=PEOPLE)
def _person(number: int) -> tuple[MatLike, MatLike]:
    return render(random_person(np.random.default_rng(number)))
