"""A look into a bucket of captures, by the table of docs/reference/messages.md and nothing of ours."""

import hashlib
import io
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from dev.harness.services import wait_for

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = re.compile(
    r"(?P<edge>[a-z0-9-]+)/(?P<camera>[\w-]+)/(?P<day>\d{4}/\d\d/\d\d)/(?P<id>\d{8}T\d{6}\.\d{3}Z-[0-9a-f]{8})\.png"
)


@dataclass(frozen=True, slots=True)
class Stored:
    """An object of the bucket."""

    key: str
    body: bytes
    content_type: str
    metadata: dict[str, str]


def wait_for_captures(client: "S3Client", bucket: str, wanted: int) -> list[Stored]:
    """Return the captures in the bucket when there are as many as wanted."""

    def enough() -> list[str]:
        keys = [item["Key"] for item in client.list_objects_v2(Bucket=bucket).get("Contents", [])]
        return keys if len(keys) >= wanted else []

    keys = wait_for(enough, seconds=90, what=f"{wanted} captures in {bucket}")
    return [_read(client, bucket, key) for key in keys]


def assert_as_documented(stored: Stored, edge: str, camera: str) -> None:
    """Compare key, metadata, picture and the description inside the picture."""
    key = KEY.fullmatch(stored.key)
    assert key is not None, stored.key
    picture = Image.open(io.BytesIO(stored.body))
    picture.load()
    inside = json.loads(picture.info["usbcam"])
    assert (key["edge"], key["camera"], stored.content_type, picture.format) == (edge, camera, "image/png", "PNG")
    assert key["id"].endswith(hashlib.sha256(stored.body).hexdigest()[:8])
    assert key["id"].startswith(re.sub(r"[-:]", "", inside["captured_at"]))
    assert inside["captured_at"].startswith(key["day"].replace("/", "-"))
    assert stored.metadata["id"] == key["id"]
    assert {name: stored.metadata[name] for name in inside} == {name: str(value) for name, value in inside.items()}


def _read(client: "S3Client", bucket: str, key: str) -> Stored:
    answer = client.get_object(Bucket=bucket, Key=key)
    metadata = {name.replace("-", "_"): text for name, text in answer["Metadata"].items()}
    return Stored(key, answer["Body"].read(), answer["ContentType"], metadata)
