"""FastMetadata: it reads what boto3 reads, and leaves everything but plain success to boto3."""

import logging

import pytest

from gallery.fast_metadata import FastMetadata
from gallery.settings import Settings
from storage.client import create_client
from storage.reader import ObjectReader
from tests.cloud.rig import Bucket, S3Proxy

SAID = {"schema": "1", "id": "20261122T063325.123Z-9f2c01ab", "edge": "porch", "track": "9f2c", "quality": "0.7"}
SAID |= {"captured_at": "2026-11-22T06:33:25.123Z", "camera": "=?utf-8?b?TcO8bGxlcg==?=", "odd": "two  spaces ~!"}
KEYS = ("porch/door/a.png", "ü/ö #1.png", "a b/c~d%20e*f?.png")


def read_twice(settings: dict[str, str], bucket: Bucket, endpoint: str) -> tuple[FastMetadata, ObjectReader]:
    given = {name.lower(): value for name, value in settings.items()} | {"s3_endpoint_url": endpoint}
    chosen = Settings(_env_file=None, **given)  # type: ignore[arg-type]
    client = create_client(chosen)
    fast = FastMetadata.create(client, chosen)
    assert fast is not None
    return fast, ObjectReader(lambda: client, bucket.name, fast.read)


def test_it_reads_what_boto3_reads_and_says_nothing_of_what_is_not_there(
    settings: dict[str, str], bucket: Bucket, s3_proxy: S3Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for key in KEYS:
        bucket.client.put_object(Bucket=bucket.name, Key=key, Body=b"x" * 99, ContentType="image/png", Metadata=SAID)
    bucket.client.put_object(Bucket=bucket.name, Key="empty", Body=b"", ContentType="image/png", Metadata=SAID)
    fast, reader = read_twice(settings, bucket, s3_proxy.endpoint)

    assert (fast.read("missing"), fast.read("empty")) == (None, None)
    for key in KEYS:
        assert fast.read(key) == (SAID, "image/png")
        assert bucket.client.head_object(Bucket=bucket.name, Key=key)["Metadata"] == SAID
    assert reader.metadata("empty") == SAID  # by boto3
    with pytest.raises(bucket.client.exceptions.ClientError, match="404"):
        reader.metadata("missing")
    assert caplog.text == ""

    s3_proxy.close()
    assert fast.read(KEYS[0]) is None
    s3_proxy.open()
    assert fast.read(KEYS[0]) is None  # for a while
    assert reader.metadata(KEYS[0]) == SAID
    assert caplog.text.count("Using boto3") == 1
