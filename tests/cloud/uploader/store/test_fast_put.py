"""FastPut: it writes what boto3 would write, and leaves everything but plain success to boto3."""

import logging
import os
from pathlib import Path

import pytest

from storage.client import create_client
from tests.cloud.rig import Bucket, S3Proxy
from tests.support.rig import Store
from uploader.settings import Settings
from uploader.store.fast_put import FastPut

METADATA = {"schema": "1", "camera": "front", "odd": "two  spaces ~!", "box": "1,2,3,4"}
KEYS = [
    *("a/b/2026.png", "ü/ö #1.png", "a b/c~d%20e*f?.png", "x+y=z&q.png", "..a/'q'.png"),
    *("a/(1)[2]{3}|^`.png", "日本/☃.png", "e=1/c@2:3;4,5.png", "$&!.png"),
]


@pytest.fixture
def settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, store: Store, bucket: Bucket, s3_proxy: S3Proxy
) -> Settings:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("AWS_", "S3_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", store.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", store.secret_key)
    monkeypatch.setenv("S3_BUCKET", bucket.name)
    monkeypatch.setenv("S3_ENDPOINT_URL", s3_proxy.endpoint)
    return Settings()


def find(settings: Settings) -> FastPut:
    found = FastPut.create(create_client(settings), settings)
    assert found is not None
    return found


@pytest.mark.parametrize("key", KEYS)
def test_any_name_is_written_as_boto3_would_and_only_once(settings: Settings, bucket: Bucket, key: str) -> None:
    fast_put = find(settings)

    assert fast_put.put(key, b"first", "image/png", METADATA)
    assert not fast_put.put(key, b"second", "image/png", METADATA)

    assert bucket.list_keys() == [key]
    assert bucket.read(key) == (b"first", "image/png", METADATA)


def test_a_large_image_goes_in_one_piece(settings: Settings, bucket: Bucket) -> None:
    image = os.urandom(16 << 20)

    assert find(settings).put("large.png", image, "image/png", {})

    assert bucket.read("large.png")[0] == image
    assert "-" not in bucket.client.head_object(Bucket=bucket.name, Key="large.png")["ETag"]  # several pieces have one


def test_when_it_fails_it_leaves_all_to_boto3_for_a_while(
    settings: Settings, s3_proxy: S3Proxy, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    fast_put = find(settings)
    s3_proxy.close()
    assert not fast_put.put("a.png", b"x", "image/png", {})
    s3_proxy.open()

    assert not fast_put.put("a.png", b"x", "image/png", {})  # it backs off
    monkeypatch.setattr("uploader.store.fast_put.monotonic", lambda: float("inf"))
    assert fast_put.put("a.png", b"x", "image/png", {})

    assert len(caplog.records) == 1


def test_a_connection_that_the_store_closed_meanwhile_does_no_harm(settings: Settings, s3_proxy: S3Proxy) -> None:
    fast_put = find(settings)
    assert fast_put.put("a.png", b"x", "image/png", {})
    s3_proxy.close()
    s3_proxy.open()

    assert fast_put.put("b.png", b"x", "image/png", {})


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy"])
def test_behind_a_proxy_boto3_does_all(settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with monkeypatch.context() as environment:  # the bucket is removed without a proxy
        environment.setenv(name, "http://127.0.0.1:9")
        fast_put = FastPut.create(create_client(settings), settings)

    assert fast_put is None


def test_without_credentials_there_is_none(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    assert FastPut.create(create_client(settings), Settings()) is None


def test_wrong_keys_are_boto3s_to_explain(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    wrong = Settings()

    assert not find(wrong).put("a.png", b"x", "image/png", {})
    assert settings.s3_bucket == wrong.s3_bucket
