"""`uploader check` against real brokers and a real S3 server: one red line for each thing that is wrong."""

import pytest

from dev.harness.process import LOOPBACK, free_port, wait_for
from tests.cloud.rig import (
    LATER,
    LIMITED_KEY,
    LIMITED_SECRET,
    READER_KEY,
    READER_SECRET,
    Broker,
    Bucket,
    CommandResult,
    Edge,
    S3Proxy,
    Uploaders,
)
from tests.support.images import pictures
from tests.support.rig import CloudBroker, Store

LIMITED = {"AWS_ACCESS_KEY_ID": LIMITED_KEY, "AWS_SECRET_ACCESS_KEY": LIMITED_SECRET}
READER = {"AWS_ACCESS_KEY_ID": READER_KEY, "AWS_SECRET_ACCESS_KEY": READER_SECRET}


def the_only_failure(result: CommandResult) -> tuple[str, str]:
    """Return subject and sentence of the one red line; the exit code agrees."""
    failures = result.lines("FAIL")
    assert len(failures) == 1, result.out
    assert result.code == 1
    assert result.err == "uploader: fix the lines that say FAIL\n"
    ((subject, sentence),) = failures.items()
    return subject, sentence


def test_a_working_cloud_is_all_green_and_nothing_is_left_behind(uploaders: Uploaders, bucket: Bucket) -> None:
    uploaders.start_healthy()

    result = uploaders.run("check")

    assert (result.code, result.err, result.lines("FAIL")) == (0, "", {})
    good = result.lines("pass")
    assert good["uploader"] == "uploader is connected and healthy"
    assert good["subscription"] == "usbcam/+/images is granted"
    assert good["credentials"] == f"access key {bucket.store.access_key}, from AWS_ACCESS_KEY_ID"
    assert good["get"] == "read back what was written, metadata included"
    assert good["conditional put"] == "an existing object is not overwritten (412)"
    assert good["anonymous read"] == "denied"
    assert {"broker", "bucket", "region", "clock", "put", "delete", "disk", "heartbeat"} <= set(good)
    assert set(result.lines("warn")) <= {"encryption", "disk"}
    assert bucket.list_keys() == []
    assert bucket.store.secret_key not in result.out


def test_a_check_beside_the_running_uploader_takes_nothing_from_it(
    uploaders: Uploaders, edge: Edge, bucket: Bucket
) -> None:
    process = uploaders.start_healthy()

    edge.send_all([pictures.png(number) for number in range(5)])
    uploaders.run("check")
    edge.send_all([pictures.png(number) for number in range(5, 10)])

    assert len(bucket.wait_for(10)) == 10
    assert "connection was lost" not in process.tail(1000)
    assert uploaders.problem() is None


def test_an_uploader_that_is_away_keeps_its_session(uploaders: Uploaders) -> None:
    uploaders.start_healthy().stop()

    result = uploaders.run("check")

    assert result.code == 0
    assert "its session keeps what arrives; start it: .venv/bin/python -m uploader" in result.lines("warn")["uploader"]


def test_a_broker_that_nobody_subscribed_to_is_a_failure(uploaders: Uploaders) -> None:
    subject, sentence = the_only_failure(uploaders.run("check"))

    assert (subject, sentence[:25]) == ("uploader", "nobody has subscribed, so")


def test_the_shipped_broker_lets_the_check_ask(uploaders: Uploaders, cloud_broker: CloudBroker) -> None:
    given = as_uploader(cloud_broker)

    away = uploaders.run("check", **given)
    uploaders.start_healthy(**given)
    there = uploaders.run("check", **given)

    assert "its session keeps what arrives" in away.lines("warn")["uploader"]
    assert there.lines("pass")["uploader"] == "uploader is connected and healthy"
    assert there.lines("pass")["subscription"] == "usbcam/+/images is granted"


def test_an_uploader_that_waits_for_s3_is_seen_although_its_window_is_full(
    uploaders: Uploaders, s3_proxy: S3Proxy, edge: Edge, store: Store
) -> None:
    uploaders.start_healthy(UPLOAD_THREADS="1")
    s3_proxy.close()
    edge.send_all([pictures.png(number) for number in range(8)])
    uploaders.wait_for_state("S3 is unavailable")

    result = uploaders.run("check", S3_ENDPOINT_URL=store.endpoint)

    assert result.lines("warn")["uploader"].startswith("uploader reports: S3 is unavailable")


def test_uploaders_that_share_all_answer(uploaders: Uploaders, cloud_broker: CloudBroker) -> None:
    given = as_uploader(cloud_broker) | {"UPLOADERS": "2"}
    uploaders.start_healthy(**given)
    uploaders.start_healthy(**given, HEARTBEAT_FILE=str(uploaders.folder / "other.json"))

    both = wait_for(
        lambda: uploaders.run("check", **given).lines("pass").get("uploader", ""),
        seconds=30,
        what="two that are well",
    )
    confused = uploaders.run("check", **as_uploader(cloud_broker))

    assert both.count("uploader-") == 2
    assert the_only_failure(confused)[1].startswith("2 receive the same images")


def test_a_broker_that_is_away_is_one_line(uploaders: Uploaders) -> None:
    port = str(free_port())

    subject, sentence = the_only_failure(uploaders.run("check", CLOUD_BROKER_PORT=port))

    assert subject == "broker"
    assert sentence.startswith(f"{LOOPBACK}:{port} (CLOUD_BROKER_HOST, CLOUD_BROKER_PORT)")
    assert sentence.endswith("Connection refused; start it, or fix CLOUD_BROKER_HOST")


def test_a_broker_that_refuses_is_one_line(uploaders: Uploaders, broker: Broker) -> None:
    closed = Broker(broker.folder.with_name("closed"), extra="allow_anonymous false")
    closed.start()

    subject, sentence = the_only_failure(uploaders.run("check", CLOUD_BROKER_PORT=str(closed.port)))

    assert subject == "broker"
    assert "it refused the uploader (Not authorized)" in sentence
    closed.stop()


def test_a_store_that_is_away_is_one_line(uploaders: Uploaders, s3_proxy: S3Proxy) -> None:
    uploaders.start_healthy()
    s3_proxy.close()

    subject, sentence = the_only_failure(uploaders.run("check"))

    assert subject == "store"
    assert sentence.startswith("S3 is unavailable")
    assert "S3_ENDPOINT_URL" in sentence


@pytest.mark.parametrize(
    ("settings", "subject", "sentence"),
    [
        (
            {"AWS_SECRET_ACCESS_KEY": "wrong"},
            "credentials",
            "the secret key does not match the access key; fix AWS_SECRET_ACCESS_KEY",
        ),
        ({"AWS_ACCESS_KEY_ID": "nobody"}, "credentials", "the access key is unknown; fix AWS_ACCESS_KEY_ID"),
        (
            {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
            "credentials",
            "there are no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine a role",
        ),
        (
            {"S3_BUCKET": "usbcam-nowhere"},
            "bucket",
            "the bucket usbcam-nowhere does not exist; ./usbcam setup creates it, or fix S3_BUCKET",
        ),
    ],
)
def test_what_is_wrong_with_s3_is_one_line(
    uploaders: Uploaders, settings: dict[str, str], subject: str, sentence: str
) -> None:
    uploaders.start_healthy()

    assert the_only_failure(uploaders.run("check", **settings)) == (subject, sentence)


def test_a_bucket_of_somebody_else_is_one_line(uploaders: Uploaders, strict_store: Store) -> None:
    uploaders.start_healthy()
    strict_store.client.create_bucket(Bucket="usbcam-others")
    given = {"S3_ENDPOINT_URL": strict_store.endpoint, "S3_BUCKET": "usbcam-others", **LIMITED}

    subject, sentence = the_only_failure(uploaders.run("check", **given))

    assert subject == "bucket"
    assert sentence == (
        "these credentials may not access usbcam-others: it belongs to somebody else, or a permission is missing; "
        "allow s3:ListBucket and the rest of cloud/iam/policy.json, or fix S3_BUCKET or AWS_ACCESS_KEY_ID"
    )


def test_a_key_that_may_only_read_is_one_line(uploaders: Uploaders, strict_store: Store) -> None:
    uploaders.start_healthy()
    strict_store.client.create_bucket(Bucket=LATER)
    given = {"S3_ENDPOINT_URL": strict_store.endpoint, "S3_BUCKET": LATER, **READER}

    subject, sentence = the_only_failure(uploaders.run("check", **given))

    assert subject == "put"
    assert sentence == (
        f"these credentials may not do this in {LATER}; allow s3:PutObject there, see cloud/iam/policy.json"
    )


def test_a_place_where_no_heartbeat_can_be_written_is_one_line(uploaders: Uploaders) -> None:
    uploaders.start_healthy()

    subject, sentence = the_only_failure(uploaders.run("check", HEARTBEAT_FILE="/nowhere/uploader.json"))

    assert (subject, sentence.split(" ")[0]) == ("heartbeat", "HEARTBEAT_FILE=/nowhere/uploader.json")


def test_a_wrong_setting_or_command_is_a_line_without_a_check(uploaders: Uploaders) -> None:
    wrong = uploaders.run("check", S3_RETENTION_DAYS="soon")
    unknown = uploaders.run("chekc")

    assert (wrong.code, wrong.out) == (2, "")
    assert wrong.err.startswith("uploader: S3_RETENTION_DAYS=soon must be")
    assert (unknown.code, unknown.err.count("\n")) == (2, 1)


def as_uploader(broker: CloudBroker) -> dict[str, str]:
    """Settings with which enrolment's uploader reaches this broker."""
    password = str(broker.enrolment.uploader_password)
    return {"CLOUD_BROKER_PORT": str(broker.port), "CLOUD_BROKER_PASSWORD_FILE": password}
