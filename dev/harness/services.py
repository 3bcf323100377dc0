"""The product as plain processes on this machine: the shipped files, on loopback ports, each in its own folder."""

import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from dev.harness.enrolment import Enrolment
from dev.harness.object_store import delete_bucket, make_bucket, s3_client, start_store
from dev.harness.process import (
    LOOPBACK,
    Launch,
    Process,
    StartError,
    free_port,
    spawn,
    start,
    until_up,
    wait_for,
)

__all__ = [
    "LOOPBACK",
    "Process",
    "StartError",
    "answers_mqtt",
    "delete_bucket",
    "free_port",
    "make_bucket",
    "s3_client",
    "start_camera",
    "start_cloud_broker",
    "start_edge_broker",
    "start_store",
    "start_uploader",
    "wait_for",
]

ROOT = Path(__file__).resolve().parents[2]
EDGE_FILES = ROOT / "mosquitto" / "edge"
CLOUD_FILES = ROOT / "mosquitto" / "cloud"
SHARED_SCRIPT = "lib.sh"  # next to both; their start.sh sources it
launch_program: Launch = spawn  # how ours are started; the tests have a cheaper way (tests/support/programs)


def start_edge_broker(
    folder: Path, *, edge: str, cloud_host: str, cloud_port: int, port: int, files: Path = EDGE_FILES, **settings: str
) -> Process:
    """Start it with the token of `edge`, which is enrolled if needed; the authority is next to the folder.

    `settings`: others that start.sh reads.
    """
    environment = _broker(folder, "EDGE_BROKER_DATA") | {
        "EDGE_TOKEN_FILE": str(Enrolment(folder.parent).token(edge)),
        "CLOUD_HOST": cloud_host,
        "CLOUD_PORT": str(cloud_port),
        "EDGE_BROKER_LISTEN": LOOPBACK,
        "EDGE_BROKER_PORT": str(port),
        **settings,
    }
    process = start("edge-broker", ["sh", str(files / "start.sh")], folder, environment)
    return until_up(process, lambda: answers_mqtt(port))


def start_cloud_broker(
    folder: Path, *, port: int, outside_port: int, files: Path = CLOUD_FILES, **settings: str
) -> Process:
    """Start it with an authority next to the folder, which is created if needed.

    `settings`: others that start.sh reads.
    """
    enrolment = Enrolment(folder.parent)
    enrolment.prepare()
    environment = _broker(folder, "CLOUD_BROKER_DATA") | {
        "CLOUD_IDENTITY": str(enrolment.identity),
        "CLOUD_LISTEN": LOOPBACK,
        "CLOUD_PORT": str(outside_port),
        "CLOUD_BROKER_LISTEN": LOOPBACK,
        "CLOUD_BROKER_PORT": str(port),
        **settings,
    }
    process = start("cloud-broker", ["sh", str(files / "start.sh")], folder, environment)
    return until_up(process, lambda: answers_mqtt(port))


def start_uploader(folder: Path, **settings: str) -> Process:
    """Start the uploader with exactly these settings; with wrong ones it ends at once.

    Its login at the broker comes from the authority next to the folder, if there is one.
    """
    enrolment = Enrolment(folder.parent)
    password = enrolment.uploader_password
    ours = {"CLOUD_BROKER_PASSWORD_FILE": str(password), "CERTIFICATES_FILE": str(enrolment.dates)}
    login = ours if password.exists() else {}
    own = {"METRICS_PORT": "0", "JOURNAL_DIR": str(folder / "journal")}  # several run side by side
    given = _python(folder, "uploader") | own | login | settings
    return _start_program("uploader", folder, given)


def start_gallery(folder: Path, **settings: str) -> Process:
    """Start the gallery with exactly these settings; with wrong ones it ends at once.

    Its login at the broker comes from the authority next to the folder, if there is one.
    """
    enrolment = Enrolment(folder.parent)
    own = {"GALLERY_CACHE": str(folder / "thumbnails"), "GALLERY_STATE": str(folder / "state")}
    login = {"GALLERY_BROKER_PASSWORD_FILE": str(enrolment.gallery_password)}
    own |= {"CERTIFICATES_FILE": str(enrolment.dates)} | (login if enrolment.gallery_password.exists() else {})
    given = _python(folder, "gallery") | own | settings
    return _start_program("gallery", folder, given)


def start_camera(folder: Path, **settings: str) -> Process:
    """Start the camera with exactly these settings; with wrong ones it ends at once.

    Its login at the broker comes from the edge broker next to the folder, if there is one.
    """
    ours = {"SPOOL_DIR": str(folder / "spool"), "LIVE_PORT": "0"}  # several run side by side
    password = camera_password(folder.parent / "edge-broker")
    login = {"EDGE_BROKER_PASSWORD_FILE": str(password)} if password.exists() else {}
    environment = _python(folder, "camera") | ours | login | settings
    return _start_program("camera", folder, environment)


def camera_password(folder: Path) -> Path:
    """Return the file where the edge broker of this folder keeps the camera's password."""
    return folder / "data" / "camera-password"


def answers_mqtt(port: int) -> bool:
    """Return whether a broker accepts connections there: CONNECT of MQTT 3.1.1, answered by CONNACK 0."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1) as connection:
            connection.sendall(b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x0a\x00\x00")
            return connection.recv(4) == b"\x20\x02\x00\x00"
    except OSError:
        return False


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _broker(folder: Path, data: str) -> dict[str, str]:
    """Return the settings of both brokers' start.sh; MOSQUITTO names another program than the one on PATH."""
    chosen = {"MOSQUITTO": os.environ["MOSQUITTO"]} if os.environ.get("MOSQUITTO") else {}
    return {data: str(_made(folder / "data")), "RUN_DIR": str(_made(folder / "run"))} | chosen


def _start_program(name: str, folder: Path, environment: Mapping[str, str]) -> Process:
    return start(name, [sys.executable, "-m", name], folder, environment, launch_program)


def _python(folder: Path, name: str) -> dict[str, str]:
    return {
        "PYTHONPATH": os.pathsep.join([str(ROOT / "edge"), str(ROOT / "cloud")]),
        "PYTHONUNBUFFERED": "1",
        "HEARTBEAT_FILE": str(folder / f"{name}.json"),
    }
