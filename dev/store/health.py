"""Healthy when the S3 server answers, the bucket is there, and there is room to write."""

import json
import os
import shutil
import urllib.error
import urllib.request

MASTER, S3, FILER = "http://127.0.0.1:9333", "http://127.0.0.1:8333", "http://127.0.0.1:8888"
OBJECTS = "/objects"


def get(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:  # noqa: S310 - all addresses are in this file
            return int(answer.status), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, b""


def has_room(status: bytes) -> bool:
    """Return whether any volume accepts writes, or another can be made; on a full disk neither is true."""
    topology = json.loads(status)["Topology"]
    return topology["Free"] > 0 or any(layout["writables"] for layout in topology["Layouts"] or ())


def main() -> None:
    bucket = os.environ["STORE_BUCKET"]
    try:
        anonymous, _ = get(f"{S3}/")
        found, _ = get(f"{FILER}/buckets/{bucket}/?limit=1")
        _, status = get(f"{MASTER}/dir/status")
    except OSError as error:
        raise SystemExit(f"store: does not answer: {error}") from error
    if not has_room(status):
        disk = shutil.disk_usage(OBJECTS)
        free, total = disk.free >> 20, disk.total >> 20
        raise SystemExit(f"store: cannot write: {free} of {total} MB are free on Docker's disk; make room there")
    if anonymous != 403:  # noqa: PLR2004 - without keys, access is denied
        raise SystemExit(f"store: S3 answered {anonymous} to an anonymous request, not 403")
    if found != 200:  # noqa: PLR2004
        raise SystemExit(f"store: bucket {bucket} is not there yet")


if __name__ == "__main__":
    main()
