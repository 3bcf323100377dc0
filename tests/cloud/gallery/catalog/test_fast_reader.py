"""FastReader: it reads what boto3 reads, and leaves everything but plain success to boto3."""

import logging
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from gallery.fast_reader import FastReader
from gallery.settings import Settings
from storage.client import create_client
from storage.keys.folders import STARRED_FOLDER
from storage.reader import ObjectReader
from storage.star import marker
from tests.cloud.rig import Bucket, S3Proxy

SAID = {"schema": "1", "id": "20261122T063325.123Z-9f2c01ab", "edge": "porch", "track": "9f2c", "quality": "0.7"}
SAID |= {"captured_at": "2026-11-22T06:33:25.123Z", "camera": "=?utf-8?b?TcO8bGxlcg==?=", "odd": "two  spaces ~!"}
KEYS = ("porch/door/a.png", "ü/ö #1.png", "a b/c~d%20e*f?.png")


def read_twice(settings: dict[str, str], bucket: Bucket, endpoint: str) -> tuple[FastReader, ObjectReader]:
    given = {name.lower(): value for name, value in settings.items()} | {"s3_endpoint_url": endpoint}
    chosen = Settings(_env_file=None, **given)  # type: ignore[arg-type]
    client = create_client(chosen)
    fast = FastReader.create(client, chosen)
    assert fast is not None
    return fast, ObjectReader(lambda: client, bucket.name, fast)


def test_it_reads_what_boto3_reads_and_says_nothing_of_what_is_not_there(
    settings: dict[str, str], bucket: Bucket, s3_proxy: S3Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for key in KEYS:
        bucket.client.put_object(Bucket=bucket.name, Key=key, Body=b"x" * 99, ContentType="image/png", Metadata=SAID)
    bucket.client.put_object(Bucket=bucket.name, Key="empty", Body=b"", ContentType="image/png", Metadata=SAID)
    fast, reader = read_twice(settings, bucket, s3_proxy.endpoint)

    assert (fast.metadata("missing"), fast.metadata("empty")) == (None, None)
    for key in KEYS:
        assert fast.metadata(key) == (SAID, "image/png")
        assert bucket.client.head_object(Bucket=bucket.name, Key=key)["Metadata"] == SAID
    assert reader.metadata("empty") == SAID  # by boto3
    with pytest.raises(bucket.client.exceptions.ClientError, match="404"):
        reader.metadata("missing")
    assert caplog.text == ""

    s3_proxy.close()
    assert fast.metadata(KEYS[0]) is None
    s3_proxy.open()
    assert fast.metadata(KEYS[0]) is None  # for a while
    assert reader.metadata(KEYS[0]) == SAID
    assert caplog.text.count("Using boto3") == 1


ODD_KEYS = ("f/a.png", "f/b c~d%20e*f?.png", "f/deeper/x.png", "f/ü #1+&=.png", "fg/z.png", "f/emoji-😀.png")


def put_all(bucket: Bucket, keys: Iterable[str]) -> None:
    for number, key in enumerate(keys):
        bucket.client.put_object(Bucket=bucket.name, Key=key, Body=b"x" * (number + 1))


@pytest.mark.parametrize(
    ("prefix", "limit", "after"), [("f/", 9, ""), ("f/", 2, ""), ("f/", 9, "f/b"), ("f/", 9, "f/z")]
)
def test_it_lists_what_boto3_lists(
    settings: dict[str, str], bucket: Bucket, s3_proxy: S3Proxy, prefix: str, limit: int, after: str
) -> None:
    put_all(bucket, ODD_KEYS)
    fast, _ = read_twice(settings, bucket, s3_proxy.endpoint)

    listed = ObjectReader(lambda: bucket.client, bucket.name).list_objects(prefix, limit, after)

    assert fast.list_objects(prefix, limit, after) == (listed or None)
    assert len(listed) == {"": min(limit, 5), "f/b": 4, "f/z": 1}[after]


@pytest.mark.parametrize("prefix", ["", "f", "f/a", "nothing/"])
def test_it_leaves_to_boto3_what_is_no_folder_or_empty(
    settings: dict[str, str], bucket: Bucket, s3_proxy: S3Proxy, prefix: str
) -> None:
    put_all(bucket, ODD_KEYS)
    fast, reader = read_twice(settings, bucket, s3_proxy.endpoint)

    assert fast.list_objects(prefix, 9) is None
    assert {each.key for each in reader.list_objects(prefix, 9)} == {key for key in ODD_KEYS if key.startswith(prefix)}


def test_more_than_a_page_of_keys_is_listed_and_counted(
    settings: dict[str, str], bucket: Bucket, s3_proxy: S3Proxy
) -> None:
    keys = [f"f/{number:04}.png" for number in range(1100)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: bucket.client.put_object(Bucket=bucket.name, Key=key, Body=b"x"), keys))
    _, reader = read_twice(settings, bucket, s3_proxy.endpoint)

    assert [each.key for each in reader.list_objects("f/", 5000)] == keys
    assert reader.list_requests == 2
    assert [each.key for each in reader.list_objects("f/", 1050, keys[9])] == keys[10:1060]


@pytest.mark.parametrize("key", ["f//a.png", "f/../a.png", "f/./a.png"])
def test_keys_that_are_no_paths_are_listed_by_boto3(
    settings: dict[str, str], bucket: Bucket, s3_proxy: S3Proxy, key: str
) -> None:
    try:
        put_all(bucket, ["f/b.png", key])
    except ClientError:
        pytest.skip("this store takes no such key")
    fast, reader = read_twice(settings, bucket, s3_proxy.endpoint)
    expected = ObjectReader(lambda: bucket.client, bucket.name).list_objects("f/", 9)

    assert reader.list_objects("f/", 9) == expected
    assert fast.list_objects("f/", 9) in (None, expected)


def test_stars_are_the_same_by_obstore_and_by_boto3(
    settings: dict[str, str], bucket: Bucket, s3_proxy: S3Proxy
) -> None:
    for key in ODD_KEYS:
        bucket.client.put_object(Bucket=bucket.name, Key=marker(key), Body=b"")
    bucket.client.put_object(Bucket=bucket.name, Key=marker("f/b.png"), Body=b"-")  # no longer
    fast, reader = read_twice(settings, bucket, s3_proxy.endpoint)

    listed = fast.list_objects(STARRED_FOLDER, 50, empty=True)

    assert listed is not None
    assert len(listed) == len(ODD_KEYS) + 1
    assert sorted(reader.starred(50)) == sorted(ODD_KEYS)
    assert sorted(ObjectReader(lambda: bucket.client, bucket.name).starred(50)) == sorted(ODD_KEYS)


def test_where_there_are_no_stars_boto3_is_asked_only_until_obstore_has_listed_something(
    settings: dict[str, str], bucket: Bucket, s3_proxy: S3Proxy
) -> None:
    put_all(bucket, ODD_KEYS)
    fast, reader = read_twice(settings, bucket, s3_proxy.endpoint)

    assert fast.list_objects(STARRED_FOLDER, 50, empty=True) is None
    reader.list_objects("f/", 9)

    assert fast.list_objects(STARRED_FOLDER, 50, empty=True) == []
    assert fast.list_objects("nothing/", 50) is None
    assert reader.starred(50) == []


def test_a_folders_marker_among_the_stars_is_no_capture(
    settings: dict[str, str], bucket: Bucket, s3_proxy: S3Proxy
) -> None:
    for key in ("f/", "f/a.png"):
        bucket.client.put_object(Bucket=bucket.name, Key=marker(key), Body=b"")
    _, reader = read_twice(settings, bucket, s3_proxy.endpoint)

    assert {"f/a.png"} <= set(reader.starred(50)) <= {"f/a.png", "f", "f/"}


def test_a_listing_that_fails_is_boto3s_to_explain(
    settings: dict[str, str], bucket: Bucket, s3_proxy: S3Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    put_all(bucket, ODD_KEYS)
    fast, reader = read_twice(settings, bucket, s3_proxy.endpoint)
    s3_proxy.close()

    assert fast.list_objects("f/", 9) is None
    s3_proxy.open()
    assert fast.list_objects("f/", 9) is None  # for a while
    assert len(reader.list_objects("f/", 9)) == 5
    assert caplog.text.count("Using boto3") == 1
