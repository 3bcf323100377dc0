"""S3, the broker and the uploader itself fail and come back: nothing is lost."""

import signal
import subprocess
import time
from pathlib import Path

import pytest

from common.contract.certificate_expiry import CertificateExpiry
from dev.harness.process import LOOPBACK, free_port, wait_for
from tests.cloud.rig import LATER, LIMITED_KEY, LIMITED_SECRET, Broker, Bucket, Edge, S3Proxy, Uploaders
from tests.support.images import pictures
from tests.support.programs import launcher
from tests.support.rig import Store

MANY = 200


def wait_for_line(uploaders: Uploaders, word: str) -> str:
    process = uploaders.started[-1]

    def line() -> str:
        return next((line for line in process.tail(1000).splitlines() if word in line), "")

    try:
        return wait_for(line, seconds=20, what=f"a line with {word}")
    except TimeoutError as error:
        raise AssertionError(f"{error}\n{process.tail()}") from error


def health(uploaders: Uploaders) -> subprocess.CompletedProcess[str]:
    environment = {"HEARTBEAT_FILE": str(uploaders.folder / "uploader.json")}
    return launcher.run("uploader", "health", folder=uploaders.folder, environment=environment)


def test_stopping_while_s3_is_unavailable_loses_nothing_and_is_quick(
    edge: Edge, uploaders: Uploaders, s3_proxy: S3Proxy, bucket: Bucket
) -> None:
    process = uploaders.start_healthy()
    s3_proxy.close()
    payloads = [pictures.png(number) for number in range(40)]
    edge.send_all(payloads)
    uploaders.wait_for_state("S3 is unavailable")

    asked_at = time.monotonic()
    assert process.stop() == 0
    assert time.monotonic() - asked_at < 10  # not the 10 s it gives an S3 that answers
    assert bucket.list_keys() == []
    s3_proxy.open()
    uploaders.start()

    bucket.wait_for(40)
    wait_for(lambda: len(edge.stored()) == 40, seconds=20, what="40 receipts")


def test_while_s3_is_unavailable_the_broker_keeps_nothing_of_an_edge_that_was_revoked(
    broker: Broker, edge: Edge, uploaders: Uploaders, s3_proxy: S3Proxy, bucket: Bucket, tmp_path: Path
) -> None:
    uploaders.start_healthy(CERTIFICATES_FILE=str(tmp_path / "dates.json"), UPLOAD_THREADS="4")
    s3_proxy.close()
    gone = Edge(broker.port, "gone")
    gone.send_all([pictures.png(number) for number in range(60)])
    edge.send(pictures.png(60))
    uploaders.wait_for_state("S3 is unavailable")
    waits = b"usbcam/gone/images"
    wait_for(lambda: waits in broker.saved(), seconds=20, what="the broker to keep what waits")

    (tmp_path / "dates.json").write_bytes(CertificateExpiry(revoked=frozenset({"gone"})).to_json())
    gone.send_all([pictures.png(number) for number in range(61, 70)])
    gone.close()

    wait_for(lambda: waits not in broker.saved(), seconds=40, what="nothing to wait of the revoked edge")
    assert b"usbcam/porch/images" in broker.saved()
    s3_proxy.open()
    wait_for(lambda: len(edge.stored()) == 1, seconds=40, what="the other edge's image")
    assert len(bucket.list_keys()) == 1


def test_an_s3_that_was_unavailable_is_found_again_and_nothing_is_stored_twice(
    edge: Edge, uploaders: Uploaders, s3_proxy: S3Proxy, bucket: Bucket
) -> None:
    uploaders.start_healthy()
    for number in range(3):
        s3_proxy.close()
        edge.send_all([pictures.png(number * 20 + index) for index in range(20)])
        uploaders.wait_for_state("S3 is unavailable")
        s3_proxy.open()
        bucket.wait_for(number * 20 + 20)

    uploaders.wait_for_state(None)
    assert len(bucket.list_keys()) == 60
    assert len(wait_for_line(uploaders, "S3 is unavailable").splitlines()) == 1
    assert "Traceback" not in uploaders.started[-1].tail(10_000)


@pytest.mark.parametrize("way", [signal.SIGTERM, signal.SIGKILL])
def test_ending_it_at_any_moment_loses_nothing(
    edge: Edge, uploaders: Uploaders, bucket: Bucket, way: signal.Signals
) -> None:
    uploaders.start_healthy().stop()
    edge.send_all([pictures.png(number, side=64) for number in range(MANY)])

    for _ in range(3):
        already = len(bucket.list_keys())
        process = uploaders.start(UPLOAD_THREADS="1")  # slow enough to be met on its way
        bucket.wait_for(already + 20)
        process.signal(way)
        assert process.popen.wait(20) == (0 if way is signal.SIGTERM else -signal.SIGKILL)
    uploaders.start()

    bucket.wait_for(MANY)
    assert len(bucket.list_keys()) == MANY
    wait_for(
        lambda: {*edge.stored().values()} == {*bucket.list_keys()} or way is signal.SIGKILL, seconds=60, what="receipts"
    )


def test_a_broker_that_comes_back_delivers_the_rest(
    edge: Edge, uploaders: Uploaders, broker: Broker, bucket: Bucket
) -> None:
    uploaders.start_healthy()
    edge.send_all([pictures.png(number) for number in range(50)])

    broker.stop()
    uploaders.wait_for_state("CLOUD_BROKER_HOST")
    broker.start()
    uploaders.wait_for_state(None)
    edge.send(pictures.png(51))

    bucket.wait_for(51)
    assert len(bucket.list_keys()) == 51


def test_a_missing_bucket_is_waited_for(edge: Edge, uploaders: Uploaders, strict_store: Store) -> None:
    bucket = Bucket(strict_store, LATER)
    limited = {"AWS_ACCESS_KEY_ID": LIMITED_KEY, "AWS_SECRET_ACCESS_KEY": LIMITED_SECRET}
    uploaders.start(S3_BUCKET=LATER, S3_ENDPOINT_URL=strict_store.endpoint, **limited)
    wait_for_line(uploaders, "Subscribed")
    edge.send_all([pictures.png(number) for number in range(3)])

    wait_for_line(uploaders, f"the bucket {LATER} does not exist; ./usbcam setup creates it, or fix S3_BUCKET")
    wait_for_line(uploaders, f"may not use the bucket {LATER}")  # what SeaweedFS answers to a PUT there
    uploaders.wait_for_state("S3_BUCKET")
    assert "S3_BUCKET" in health(uploaders).stderr
    assert edge.receipts == []
    bucket.client.create_bucket(Bucket=LATER)

    bucket.wait_for(3)
    uploaders.wait_for_state(None)
    assert uploaders.started[-1].tail(1000).count("S3 denied the request") == 2


def test_wrong_keys_are_waited_for(edge: Edge, uploaders: Uploaders, bucket: Bucket, tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    right = {"aws_access_key_id": bucket.store.access_key, "aws_secret_access_key": bucket.store.secret_key}
    write_profile(file, right | {"aws_secret_access_key": "wrong"})
    unset = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SHARED_CREDENTIALS_FILE": str(file)}
    uploaders.start(**unset)
    wait_for_line(uploaders, "Subscribed")
    edge.send(pictures.png(1))

    uploaders.wait_for_state("fix AWS_SECRET_ACCESS_KEY")
    assert bucket.list_keys() == []
    write_profile(file, right)

    bucket.wait_for(1)
    uploaders.wait_for_state(None)


def test_missing_credentials_are_waited_for(uploaders: Uploaders) -> None:
    uploaders.start(AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")

    uploaders.wait_for_state("there are no credentials")


def write_profile(file: Path, keys: dict[str, str]) -> None:
    fresh = file.with_suffix(".new")
    fresh.write_text("[default]\n" + "".join(f"{name} = {value}\n" for name, value in keys.items()))
    fresh.replace(file)


def test_an_unreachable_broker_is_waited_for_and_named_once(uploaders: Uploaders, tmp_path: Path) -> None:
    broker = Broker(tmp_path / "late", free_port())
    uploaders.start(CLOUD_BROKER_PORT=str(broker.port))

    uploaders.wait_for_state("CLOUD_BROKER_HOST")
    assert f"{LOOPBACK}:{broker.port}" in wait_for_line(uploaders, "fix CLOUD_BROKER_HOST")
    done = health(uploaders)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    broker.start()

    uploaders.wait_for_state(None)
    assert uploaders.started[-1].tail(100).count("fix CLOUD_BROKER_HOST") == 1
    assert health(uploaders).returncode == 0
    broker.stop()


def test_an_unknown_host_is_named(uploaders: Uploaders) -> None:
    uploaders.start(CLOUD_BROKER_HOST="no-such-host.invalid")

    assert "no-such-host.invalid" in wait_for_line(uploaders, "fix CLOUD_BROKER_HOST")


def test_a_refused_login_is_one_sentence(uploaders: Uploaders, tmp_path: Path) -> None:
    closed = Broker(tmp_path / "closed", extra="allow_anonymous false")
    closed.start()
    uploaders.start(CLOUD_BROKER_PORT=str(closed.port))

    assert "it refused the uploader (Not authorized)" in wait_for_line(uploaders, "WARNING")
    closed.stop()


def test_health_of_a_frozen_or_missing_uploader_is_bad(uploaders: Uploaders) -> None:
    process = uploaders.start_healthy()
    file = uploaders.folder / "uploader.json"
    assert health(uploaders).returncode == 0

    process.kill()
    file.write_text(file.read_text().replace('"written_at": ', '"written_at": -'))
    assert "stuck or has stopped" in health(uploaders).stderr
    file.write_text("half of")
    assert "cannot be read" in health(uploaders).stderr
    file.unlink()
    assert "has not started" in health(uploaders).stderr
