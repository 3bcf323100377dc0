"""`uploader link`: whoever has the URL sees the image, until it expires."""

import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.credentials import RefreshableCredentials

from dev.harness.process import wait_for
from storage import presign as link
from storage.client import open_session
from storage.presign import MAX_EXPIRY, parse_duration, presign
from tests.cloud.rig import Bucket, Uploaders
from tests.support.images import pictures
from uploader.settings import Settings


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 (a link to our own store)
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.fixture
def picture(bucket: Bucket) -> str:
    bucket.client.put_object(Bucket=bucket.name, Key="porch/camera/a b.png", Body=pictures.png(1))
    return "porch/camera/a b.png"


def test_a_link_opens_the_picture_and_says_until_when(uploaders: Uploaders, picture: str) -> None:
    result = uploaders.run("link", picture, "--expires", "2h")

    (url,) = result.out.splitlines()
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 (a link to our own store)
        assert answer.read() == pictures.png(1)
    until = datetime.strptime(result.err.strip(), "uploader: valid until %Y-%m-%d %H:%M UTC").replace(tzinfo=UTC)
    assert abs(until - datetime.now(UTC) - timedelta(hours=2)) < timedelta(minutes=3)
    assert "X-Amz-Expires=7200" in url
    assert status(url.replace("Expires=7200", "Expires=7201")) == 403


def test_without_a_time_it_is_good_for_seven_days(uploaders: Uploaders, picture: str) -> None:
    assert "X-Amz-Expires=604800" in uploaders.run("link", picture).out


def test_a_link_stops_after_its_time(monkeypatch: pytest.MonkeyPatch, bucket: Bucket, picture: str) -> None:
    url = presign(settings(monkeypatch, bucket), picture, timedelta(seconds=2)).url

    assert status(url) == 200
    wait_for(lambda: status(url) == 403, seconds=20, what="the link to end")


def test_a_link_leads_to_the_public_address(uploaders: Uploaders, picture: str) -> None:
    url = uploaders.run("link", picture, S3_PUBLIC_URL="https://pictures.example").out

    assert url.startswith("https://pictures.example/")


@pytest.mark.parametrize(
    ("command", "code", "word"),
    [
        (["nothing.png"], 1, "there is no nothing.png in the bucket"),
        (["a.png", "--expires", "8d"], 2, "8d is more than 7d"),
        (["a.png", "--expires", "soon"], 2, "soon is not a duration such as 7d, 12h or 30m"),
        ([], 2, "KEY"),
    ],
)
def test_what_gives_no_link_is_one_line(uploaders: Uploaders, command: list[str], code: int, word: str) -> None:
    result = uploaders.run("link", *command)

    assert (result.code, result.out, result.err.count("\n")) == (code, "", 1)
    assert word in result.err


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"AWS_ACCESS_KEY_ID": "nobody"}, "the access key is unknown; fix AWS_ACCESS_KEY_ID"),
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "the secret key does not match the access key; fix AWS_SECRET_ACCESS_KEY"),
    ],
)
def test_wrong_keys_are_named(uploaders: Uploaders, picture: str, wrong: dict[str, str], sentence: str) -> None:
    result = uploaders.run("link", picture, **wrong)

    assert (result.code, result.err.strip()) == (1, f"uploader: S3 denied the request: {sentence}")


def test_temporary_credentials_end_a_link_earlier_and_that_is_reported(
    monkeypatch: pytest.MonkeyPatch, bucket: Bucket, picture: str
) -> None:
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    given = settings(monkeypatch, bucket)
    keys = {"access_key": bucket.store.access_key, "secret_key": bucket.store.secret_key, "token": "of a role"}
    role = RefreshableCredentials.create_from_metadata(
        {**keys, "expiry_time": soon.isoformat()}, refresh_using=dict, method="iam-role"
    )
    session = open_session(given)
    monkeypatch.setattr(session, "get_credentials", lambda: role)
    monkeypatch.setattr(link, "open_session", lambda _settings: session)

    made = presign(given, picture)

    assert made.expires_at == soon
    assert made.note == "signed with temporary credentials, which expire then; a user's access keys allow up to 7d"


def test_durations_are_parsed() -> None:
    durations = [parse_duration(text) for text in ("7d", "12h", "30m")]

    assert durations == [MAX_EXPIRY, timedelta(hours=12), timedelta(minutes=30)]


def settings(monkeypatch: pytest.MonkeyPatch, bucket: Bucket) -> Settings:
    monkeypatch.chdir(Path("/"))
    return Settings(
        s3_bucket=bucket.name,
        s3_endpoint_url=bucket.store.endpoint,
        aws_access_key_id=bucket.store.access_key,
        aws_secret_access_key=bucket.store.secret_key,
    )
