"""Stores that refuse or misunderstand what AWS takes: nothing is lost, and one true sentence says why."""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from common.runtime.check_result import CheckResult, Status
from storage.answers.answer import UnsuitableStoreError
from storage.client import create_client
from storage.errors import S3_ERRORS, S3Error, S3ErrorKind, classify
from storage.reader import ObjectReader
from tests.cloud.stores.conftest import MakeSettings
from tests.cloud.stores.played_store import BUCKET, Oddity, PlayedStore
from tests.support.images import pictures
from uploader.admin.check import check_storage
from uploader.admin.identity import S3Clients
from uploader.admin.setup import run_setup
from uploader.ingest.parser import parse_capture
from uploader.settings import Settings
from uploader.store.writer import CaptureStore

Play = Callable[..., PlayedStore]
CAPTURES = [parse_capture(pictures.message(pictures.png(number)), 1_000_000) for number in range(3)]
COLLIDING = "{captured_at:%Y-%m-%d}.png"


def writer(settings: Settings) -> CaptureStore:
    return CaptureStore(lambda: create_client(settings), settings)


def refusal(settings: Settings) -> S3Error:
    """Store a capture in vain; return what the running uploader says."""
    with pytest.raises(S3_ERRORS) as error:
        writer(settings).store(CAPTURES[0])
    return classify(error.value, settings.s3_bucket)


def checked(settings: Settings) -> dict[str, CheckResult]:
    return {result.subject: result for result in check_storage(S3Clients.create(settings), settings)}


def set_up(settings: Settings) -> dict[str, CheckResult]:
    return {result.subject: result for result in run_setup(create_client(settings), settings)}


def test_a_store_without_oddities_is_all_green(play: Play, make_settings: MakeSettings) -> None:
    store = play()
    settings = make_settings(store.endpoint)

    assert [writer(settings).store(capture).is_new for capture in (*CAPTURES, *CAPTURES)] == [True] * 3 + [False] * 3

    results = checked(settings)
    assert {result.subject for result in results.values() if result.status is Status.FAIL} == set()
    assert results["unknown keys"].status is Status.PASS
    assert {image for image, _ in store.objects.values()} == {capture.image for capture in CAPTURES}


def test_by_default_nothing_is_added_to_the_bytes(
    play: Play, make_settings: MakeSettings, tls: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tls[1]))
    store = play(Oddity.KEEPS_TRAILER, Oddity.REFUSES_CHECKSUMS, tls=tls[0])
    settings = make_settings(store.endpoint)

    stored = writer(settings).store(CAPTURES[0])

    assert store.objects[stored.key][0] == CAPTURES[0].image
    assert checked(settings)["get"].status is Status.PASS


def test_an_object_that_holds_more_than_was_written_is_never_reported_as_stored(
    play: Play, make_settings: MakeSettings, tls: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tls[1]))
    store = play(Oddity.KEEPS_TRAILER, tls=tls[0])
    settings = make_settings(store.endpoint, aws_request_checksum_calculation="when_supported")
    running = writer(settings)

    for capture in (*CAPTURES, *CAPTURES):
        with pytest.raises(UnsuitableStoreError, match="differs from what was written"):
            running.store(capture)
    assert checked(settings)["get"].status is Status.FAIL

    fixed = writer(make_settings(store.endpoint))  # what was damaged is written again
    assert [fixed.store(capture).is_new for capture in CAPTURES] == [False] * 3
    assert {image for key, (image, _) in store.objects.items() if not key.startswith(".")} == {
        capture.image for capture in CAPTURES
    }


def test_a_way_of_putting_that_changes_is_read_back_again(play: Play, make_settings: MakeSettings) -> None:
    store = play()
    running = writer(make_settings(store.endpoint))
    running.store(CAPTURES[0])
    running._objects._fast_put = None  # noqa: SLF001 (from here on boto3 writes)
    kept = store.objects
    store.objects = _Damaging(kept)

    with pytest.raises(UnsuitableStoreError, match="differs"):
        running.store(CAPTURES[1])


class _Damaging(dict[str, Any]):
    """What is kept gets a trailer."""

    def __setitem__(self, key: str, value: tuple[bytes, dict[str, str]]) -> None:
        super().__setitem__(key, (value[0] + b"0\r\nx-amz-checksum-crc32:AAAAAA==\r\n", value[1]))


def test_checksums_that_are_refused_are_named(play: Play, make_settings: MakeSettings) -> None:
    store = play(Oddity.REFUSES_CHECKSUMS)
    settings = make_settings(store.endpoint, aws_request_checksum_calculation="when_supported")

    error = refusal(settings)

    assert (error.kind, "AWS_REQUEST_CHECKSUM_CALCULATION" in error.message) == (S3ErrorKind.UNSUITABLE, True)
    assert "AWS_REQUEST_CHECKSUM_CALCULATION" in checked(settings)["put"].message


def test_the_fast_way_drops_a_checksum_that_was_refused(
    play: Play, make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = play(Oddity.REFUSES_CHECKSUMS)
    settings = make_settings(store.endpoint, aws_request_checksum_calculation="when_supported")
    running = writer(settings)
    with pytest.raises(S3_ERRORS):
        running.store(CAPTURES[0])

    monkeypatch.setattr("uploader.store.fast_put.BACK_OFF_SECONDS", 0.0)
    running._objects._fast_put._back_off_until = 0.0  # type: ignore[union-attr]  # noqa: SLF001 (instead of 30 s)

    fast_put = running._objects._fast_put  # noqa: SLF001
    assert fast_put is not None
    assert fast_put.put("a.png", b"x", "image/png", {})
    assert store.objects["a.png"][0] == b"x"


@pytest.mark.parametrize("oddity", [Oddity.NO_CONDITION, Oddity.NO_CONDITION_400])
def test_a_store_without_conditions_is_called_that_and_not_away(
    play: Play, make_settings: MakeSettings, oddity: Oddity
) -> None:
    settings = make_settings(play(oddity).endpoint)

    error = refusal(settings)

    assert (error.kind, "does not support If-None-Match" in error.message) == (S3ErrorKind.UNSUITABLE, True)
    result = checked(settings)["conditional put"]
    assert (result.status, "does not support If-None-Match" in result.message) == (Status.FAIL, True)


def test_a_store_that_overwrites_is_warned_about_once_where_that_is_harmless(
    play: Play, make_settings: MakeSettings, caplog: pytest.LogCaptureFixture
) -> None:
    store = play(Oddity.OVERWRITES)
    settings = make_settings(store.endpoint)
    running = writer(settings)

    for capture in (*CAPTURES, *CAPTURES):
        running.store(capture)

    assert [record.message for record in caplog.records if "in spite of If-None-Match" in record.message] == [
        checked(settings)["conditional put"].message
    ]
    assert len([key for key in store.objects if not key.startswith(".")]) == 3


def test_a_store_that_overwrites_gets_nothing_where_captures_collide(play: Play, make_settings: MakeSettings) -> None:
    store = play(Oddity.OVERWRITES)
    settings = make_settings(store.endpoint, s3_key_template=COLLIDING)
    running = writer(settings)

    for capture in (*CAPTURES, *CAPTURES):
        with pytest.raises(UnsuitableStoreError, match=r"put \{id\} in S3_KEY_TEMPLATE"):
            running.store(capture)

    assert {image for image, _ in store.objects.values()} == {capture.image for capture in CAPTURES}  # none overwritten
    assert checked(settings)["conditional put"].status is Status.FAIL


@pytest.mark.parametrize("oddities", [(), (Oddity.SHOUTS_METADATA,)])
def test_captures_that_collide_are_told_apart_in_any_case_of_the_header(
    play: Play, make_settings: MakeSettings, oddities: tuple[Oddity, ...]
) -> None:
    store = play(*oddities)
    running = writer(make_settings(store.endpoint, s3_key_template=COLLIDING))

    first = [running.store(capture) for capture in CAPTURES]
    again = [running.store(capture) for capture in CAPTURES]

    assert [stored.key for stored in first] == [stored.key for stored in again]
    assert (len({stored.key for stored in first}), {stored.is_new for stored in again}) == (3, {False})


@pytest.mark.parametrize("oddity", [Oddity.WANTS_MD5, Oddity.FORGETS_TO_DELETE])
def test_the_gallery_deletes_one_by_one_where_it_must(play: Play, make_settings: MakeSettings, oddity: Oddity) -> None:
    store = play(oddity)
    settings = make_settings(store.endpoint)
    keys = [writer(settings).store(capture).key for capture in CAPTURES]

    ObjectReader(lambda: create_client(settings), BUCKET).delete(keys[:2])

    assert list(store.objects) == keys[2:]


@pytest.mark.parametrize("oddities", [(), (Oddity.NO_COMMON_PREFIXES,)])
def test_the_gallery_finds_folders_that_the_store_does_not_name(
    play: Play, make_settings: MakeSettings, oddities: tuple[Oddity, ...]
) -> None:
    store = play(*oddities)
    for key in ("a/1/x.png", "a/2/y.png", "a-b/1/z.png", "a0/1/z.png", "b/1/z.png", "alone.png"):
        store.objects[key] = (b"", {})
    settings = make_settings(store.endpoint)
    reader = ObjectReader(lambda: create_client(settings), BUCKET)

    assert set(reader.list_prefixes("")) == {"a", "a-b", "a0", "b"}
    assert reader.list_prefixes("a/") == ["1", "2"]


@pytest.mark.parametrize("oddity", [Oddity.LISTS_FOR_ANYTHING, Oddity.NO_SUBRESOURCES])
def test_settings_of_the_bucket_that_a_store_does_not_have_are_skipped(
    play: Play, make_settings: MakeSettings, oddity: Oddity
) -> None:
    settings = make_settings(play(oddity).endpoint, s3_retention_days=30)

    results = set_up(settings)
    seen = checked(settings)

    missing = "the store does not have this feature"
    assert results["public access"].message == f"{missing}; keep its port off public networks"
    assert results["encryption"].message == f"{missing}; encrypt the disk that it writes to"
    assert seen["public access"].message == missing
    for found in (results["retention"], seen["retention"]):
        assert (found.status, "S3_RETENTION_DAYS=30 does nothing" in found.message) == (Status.WARN, True)


@pytest.mark.parametrize("oddity", [Oddity.REFUSES_TAGS, Oddity.DENIES_TAGS])
def test_a_store_that_takes_no_tags_takes_the_pictures_without(
    play: Play, make_settings: MakeSettings, oddity: Oddity, caplog: pytest.LogCaptureFixture
) -> None:
    store = play(oddity)
    store.objects["taxes/2025.pdf"] = (b"not ours", {})
    settings = make_settings(store.endpoint, s3_retention_days=30)

    assert [writer(settings).store(capture).is_new for capture in CAPTURES] == [True] * 3
    assert {image for image, _ in store.objects.values()} == {b"not ours", *(capture.image for capture in CAPTURES)}
    assert caplog.text.count("allow s3:PutObjectTagging") == 3  # once for each writer
    result = set_up(settings)["retention"]
    assert result.status is Status.FAIL  # by its age alone, since nothing tells it from a capture
    assert "taxes/2025.pdf" in result.message


def test_a_store_that_cannot_encrypt_is_called_that(play: Play, make_settings: MakeSettings) -> None:
    store = play(Oddity.NO_ENCRYPTION)

    found = set_up(make_settings(store.endpoint))["encryption"]

    words = "unchanged: the store does not encrypt as asked; encrypt the disk that it writes to, and leave S3_SSE empty"
    assert (found.status, found.message) == (Status.WARN, words)
    assert "encryption" not in store.settings


def test_a_block_that_shuts_the_owner_out_is_taken_back(play: Play, make_settings: MakeSettings) -> None:
    store = play(Oddity.SHUTS_OWNER_OUT)
    settings = make_settings(store.endpoint)

    first, second = set_up(settings)["public access"], set_up(settings)["public access"]

    assert (first.status, second.status) == (Status.CHANGED, Status.WARN)
    assert first.message.startswith("BlockPublicAcls is off, since with it, this store refuses even our own objects")
    assert writer(settings).store(CAPTURES[0]).is_new
    assert b"<RestrictPublicBuckets>true" in store.settings["publicAccessBlock"]


def test_a_block_that_already_shuts_the_owner_out_is_taken_back(play: Play, make_settings: MakeSettings) -> None:
    store = play()
    settings = make_settings(store.endpoint)
    set_up(settings)
    store.oddities.add(Oddity.SHUTS_OWNER_OUT)

    assert set_up(settings)["public access"].status is Status.CHANGED
    assert writer(settings).store(CAPTURES[0]).is_new


def test_a_store_that_checks_nobody_is_called_that(play: Play, make_settings: MakeSettings) -> None:
    settings = make_settings(play(Oddity.CHECKS_NOBODY).endpoint)

    result = checked(settings)["unknown keys"]

    assert (result.status, result.message[:25]) == (Status.FAIL, "the store takes any key, ")
    assert set_up(settings)["unknown keys"].message == result.message


@pytest.mark.parametrize(
    ("oddity", "words"), [(Oddity.LOSES_METADATA, "metadata schema, id"), (Oddity.LOSES_CAPTURE_TIME, "captured_at;")]
)
def test_metadata_that_is_lost_is_named(play: Play, make_settings: MakeSettings, oddity: Oddity, words: str) -> None:
    result = checked(make_settings(play(oddity).endpoint))["get"]

    assert (result.status, words in result.message) == (Status.FAIL, True)


def test_a_signature_that_only_uploads_break_is_not_blamed_on_the_key(play: Play, make_settings: MakeSettings) -> None:
    settings = make_settings(play(Oddity.CHECKS_HEADERS).endpoint)

    assert "a proxy before it drops or changes headers" in checked(settings)["put"].message
    assert "a proxy before the store drops or changes headers" in refusal(settings).message


def test_what_is_no_store_is_called_that(play: Play, make_settings: MakeSettings) -> None:
    settings = make_settings(play(Oddity.SPEAKS_HTML).endpoint)

    message = refusal(settings).message

    assert "a web page came back; unless a proxy says that the store is unavailable, fix S3_ENDPOINT_URL" in message


@pytest.mark.parametrize("is_fast", [True, False])
@pytest.mark.parametrize("oddity", [Oddity.LOGIN_PAGE, Oddity.PAGE_FOR_UPLOADS, Oddity.ERROR_WITH_200])
def test_what_a_proxy_answers_in_the_middle_of_a_run_is_never_taken_for_stored(
    play: Play, make_settings: MakeSettings, oddity: Oddity, *, is_fast: bool
) -> None:
    store = play()
    settings = make_settings(store.endpoint)
    running = writer(settings)
    if not is_fast:
        running._objects._fast_put = None  # noqa: SLF001 (where only boto3 can write)
    running.store(CAPTURES[0])  # and so its way is proven

    store.oddities.add(oddity)
    for capture in CAPTURES[1:]:
        with pytest.raises(S3_ERRORS):
            running.store(capture)
    store.oddities.clear()

    assert [running.store(capture).is_new for capture in CAPTURES[1:]] == [True, True]
    assert {image for image, _ in store.objects.values()} == {capture.image for capture in CAPTURES}


@pytest.mark.parametrize(
    ("oddity", "kind", "words"),
    [
        (Oddity.REDIRECTS, S3ErrorKind.UNSUITABLE, "redirects to https://store.example, as a proxy or"),
        (Oddity.MOVED, S3ErrorKind.UNSUITABLE, "redirects to https://store.example, as a proxy or"),
        (Oddity.LOGIN_PAGE, S3ErrorKind.UNSUITABLE, "redirects to another page, as a proxy or a login page does"),
        (Oddity.OTHER_ENDPOINT, S3ErrorKind.UNSUITABLE, "redirects to https://store.example"),
        (Oddity.SKEWED, S3ErrorKind.DENIED, "this machine's clock is wrong; set it"),
        (Oddity.ERROR_WITH_200, S3ErrorKind.UNAVAILABLE, "it answered InternalError"),
        (Oddity.GZIPS, S3ErrorKind.UNSUITABLE, "differs from what was written"),
    ],
)
def test_an_odd_answer_is_one_true_sentence(
    play: Play, make_settings: MakeSettings, oddity: Oddity, kind: S3ErrorKind, words: str
) -> None:
    settings = make_settings(play(oddity).endpoint)

    error = refusal(settings)
    failures = [result.message for result in checked(settings).values() if result.status is Status.FAIL]

    assert (error.kind, words in error.message) == (kind, True), error.message
    assert len(failures) == 1
    assert words in failures[0]


def test_a_store_that_wants_less_is_no_store_that_is_away(play: Play, make_settings: MakeSettings) -> None:
    settings = make_settings(play(Oddity.SLOW_DOWN).endpoint)

    assert refusal(settings).message == "S3 is throttling requests: SlowDown"
    failed = [result.message for result in checked(settings).values() if result.status is Status.FAIL]
    assert failed == ["S3 is unavailable: it answered 503"]  # what HEAD tells


@pytest.mark.parametrize(
    ("oddity", "is_believed"),
    [
        *((each, True) for each in (Oddity.BARE_ETAG, Oddity.WEAK_ETAG, Oddity.NO_DATE, Oddity.OLD_HTTP)),
        *((each, True) for each in (Oddity.TAKEN_409, Oddity.TAKEN_304)),
        *((each, False) for each in (Oddity.OTHER_ETAG, Oddity.NO_ETAG)),  # what is written is read back
    ],
)
def test_what_does_not_matter_is_overlooked(
    play: Play, make_settings: MakeSettings, oddity: Oddity, *, is_believed: bool
) -> None:
    store = play(oddity)
    settings = make_settings(store.endpoint)
    running = writer(settings)

    stored = [running.store(capture).is_new for capture in (*CAPTURES, *CAPTURES)]
    results = checked(settings)

    assert stored == [is_believed, True, True] + [False] * 3
    assert {image for image, _ in store.objects.values()} == {capture.image for capture in CAPTURES}
    assert {name: result.message for name, result in results.items() if result.status is Status.FAIL} == {}


def test_an_upload_that_is_too_large_for_a_proxy_is_called_that(play: Play, make_settings: MakeSettings) -> None:
    settings = make_settings(play(Oddity.LIMITS_SIZE).endpoint)

    assert "client_max_body_size" in refusal(settings).message


def test_a_capture_of_an_older_uploader_is_read(play: Play, make_settings: MakeSettings) -> None:
    store = play()
    said = CAPTURES[0].metadata
    headers = {"X-Amz-Meta-Id": said["id"], "x-amz-meta-captured_at": said["captured_at"], "content-type": "image/png"}
    store.objects["old.png"] = (b"", headers | {f"x-amz-meta-{name}": said[name] for name in ("edge", "camera")})
    settings = make_settings(store.endpoint)

    metadata = ObjectReader(lambda: create_client(settings), BUCKET).metadata("old.png")

    assert metadata == {name: said[name] for name in ("id", "edge", "camera", "captured_at")}


@pytest.mark.parametrize(
    ("endpoint", "right"),
    [
        ("http://store:9000/faces", "http://store:9000"),
        ("http://store:9000/s3/faces/", "http://store:9000/s3"),
        ("https://faces.s3.eu-west-1.amazonaws.com", "https://s3.eu-west-1.amazonaws.com"),
        ("https://faces.nyc3.digitaloceanspaces.com", "https://nyc3.digitaloceanspaces.com"),
    ],
)
def test_an_address_that_has_the_bucket_already_is_noticed(
    make_settings: MakeSettings, endpoint: str, right: str
) -> None:
    with pytest.raises(ValueError, match="has the bucket faces in it already") as error:
        make_settings(endpoint)

    assert f"set it to {right}" in str(error.value)


@pytest.mark.parametrize("endpoint", ["http://faces:9000", "http://faces.example.org", "http://store/facesque"])
def test_an_address_that_only_resembles_the_bucket_is_taken(make_settings: MakeSettings, endpoint: str) -> None:
    assert make_settings(endpoint).s3_endpoint_url == endpoint
