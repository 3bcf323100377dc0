"""The real uploader between a real Mosquitto and a real S3 server."""

import hashlib
import random
import re
from datetime import timedelta

from dev.harness.process import wait_for
from tests.cloud.rig import Bucket, Edge, Uploaders
from tests.support.images import pictures
from uploader.ingest.cameras import MAX_CAMERAS, TOO_MANY


def wait_for_receipts(edge: Edge, count: int) -> dict[str, str]:
    return wait_for(lambda: s if len(s := edge.stored()) >= count else {}, seconds=20, what=f"{count} receipts")


def test_a_capture_is_stored_with_its_description_and_receipted(
    edge: Edge, uploaders: Uploaders, bucket: Bucket
) -> None:
    uploaders.start_healthy()
    picture = pictures.png(1, pictures.description())

    edge.send(picture)

    key = f"porch/door/2026/11/22/{pictures.identity(picture)}.png"
    assert wait_for_receipts(edge, 1) == {pictures.identity(picture): key}
    assert bucket.read(key) == (picture, "image/png", pictures.stored_metadata(picture))


def test_a_second_delivery_yields_the_same_receipt_and_no_second_object(
    edge: Edge, uploaders: Uploaders, bucket: Bucket
) -> None:
    uploaders.start_healthy()
    picture = pictures.jpeg(1)

    for _ in range(3):
        edge.send(picture)

    wait_for(lambda: sum(len(r["stored"]) for r in edge.receipts) == 3, seconds=20, what="three receipts")
    assert list(edge.stored().values()) == bucket.list_keys()
    assert bucket.list_keys()[0].endswith(".jpg")


def test_captures_whose_names_collide_are_all_stored_once(edge: Edge, uploaders: Uploaders, bucket: Bucket) -> None:
    uploaders.start_healthy(S3_KEY_TEMPLATE="{captured_at:%d-%m-%Y_%H-%M-%S}.png")
    payloads = [pictures.png(number) for number in range(10)]

    for _ in range(2):
        edge.send_all(payloads)
        for milliseconds in (1, 2, 3):  # equal bytes, another time: another capture
            moment = pictures.CAPTURED_AT + timedelta(milliseconds=milliseconds)
            edge.send(payloads[0], pictures.properties(payloads[0], moment))

    receipts = wait_for_receipts(edge, 13)
    wait_for(lambda: sum(len(r["stored"]) for r in edge.receipts) == 26, seconds=20, what="all receipts")
    assert sorted(receipts.values()) == sorted(bucket.list_keys())
    assert len(set(receipts.values())) == 13
    assert {bucket.read(key)[2]["id"] for key in bucket.list_keys()} == set(receipts)


def test_hundreds_of_garbage_messages_are_kept_aside_and_hold_nothing_up(
    edge: Edge, uploaders: Uploaders, bucket: Bucket
) -> None:
    process = uploaders.start_healthy()
    chance = random.Random(1)
    garbage = [chance.randbytes(chance.randrange(1, 2000)) for _ in range(300)]
    good = [pictures.png(number) for number in range(20)]

    for number, picture in enumerate(good):
        edge.send_all(garbage[number * 15 : number * 15 + 15])
        edge.send(picture)

    bucket.wait_for(20)
    expected = {f"rejected/porch/{hashlib.sha256(payload).hexdigest()}.bin" for payload in garbage}
    wait_for(lambda: len(bucket.list_keys("rejected/")) >= 300, seconds=30, what="300 rejected messages")
    assert set(bucket.list_keys("rejected/")) == expected
    wait_for(lambda: len(edge.rejected()) >= 300, seconds=20, what="300 receipts of rejection")
    assert len(edge.stored()) == 20
    body, kind, metadata = bucket.read(f"rejected/porch/{hashlib.sha256(garbage[0]).hexdigest()}.bin")
    assert (body, kind) == (garbage[0], "application/octet-stream")
    assert metadata == {"reason": "neither a PNG nor a JPEG"}
    process.stop()
    log = process.log.read_text()
    assert log.count("Rejected") < 10  # the first, and one line a minute
    assert sum(int(count) for count in re.findall(r"porch: within .* (\d+) rejected more", log)) == 299


def test_strange_properties_and_empty_messages_hold_nothing_up(
    edge: Edge, uploaders: Uploaders, bucket: Bucket
) -> None:
    uploaders.start_healthy()
    picture = pictures.png(1)

    edge.send(b"")
    edge.send(pictures.png(2), {"note": "\ufeff a byte order mark, on which paho hangs up", "\ufeff": ""})
    edge.send(pictures.png(3), {"note": "x" * 8_000})
    edge.send(pictures.png(4), {"note": "x" * 60_000, "camera": "\u00e9" * 30_000})
    edge.send(pictures.png(5), {str(number): "" for number in range(65)})
    edge.send(picture)

    assert pictures.identity(picture) in wait_for_receipts(edge, 3)
    rejected = wait_for(
        lambda: keys if len(keys := bucket.list_keys("rejected/")) >= 3 else [], seconds=20, what="three rejected"
    )
    reasons = [bucket.read(key)[2]["reason"] for key in rejected]
    assert sorted(reasons) == ["more than 64 user properties or 8 KiB of properties"] * 2 + ["the message is empty"]


def test_an_edge_names_no_more_cameras_than_the_gallery_can_show(
    edge: Edge, uploaders: Uploaders, bucket: Bucket
) -> None:
    uploaders.start_healthy()
    picture = pictures.png(1)

    for number in range(MAX_CAMERAS + 20):
        edge.send(picture, pictures.properties(picture) | {"camera": f"made-up-{number}"})

    wait_for(lambda: sum(len(r["rejected"]) for r in edge.receipts) == 20, seconds=20, what="20 rejections")
    assert set(edge.rejected().values()) == {TOO_MANY}
    wait_for(lambda: len(bucket.list_keys("porch/")) == MAX_CAMERAS, seconds=20, what="the others in the bucket")
    edge.send(pictures.png(2), pictures.properties(pictures.png(2)) | {"camera": "made-up-0"})
    assert pictures.identity(pictures.png(2)) in wait_for_receipts(edge, 2)


def test_a_bare_image_is_stored_once_however_often_it_comes(edge: Edge, uploaders: Uploaders, bucket: Bucket) -> None:
    first = uploaders.start_healthy()
    picture = pictures.jpeg(1)
    edge.send_all([picture] * 5, {})
    wait_for(lambda: sum(len(r["stored"]) for r in edge.receipts) == 5, seconds=20, what="five receipts")

    assert first.stop() == 0
    edge.send(picture, {})
    uploaders.start_healthy()

    wait_for(lambda: sum(len(r["stored"]) for r in edge.receipts) == 6, seconds=20, what="six receipts")
    (key,) = bucket.list_keys()
    assert key.startswith("porch/unknown/")
    assert key.endswith(f"-{hashlib.sha256(picture).hexdigest()[:8]}.jpg")


def test_a_retained_image_is_stored_and_not_asked_for_again(edge: Edge, uploaders: Uploaders, bucket: Bucket) -> None:
    edge.send(pictures.png(1), retain=True)

    process = uploaders.start_healthy()
    edge.send(pictures.png(2))
    wait_for_receipts(edge, 2)
    process.stop()
    uploaders.start_healthy()
    edge.send(pictures.png(3))

    wait_for_receipts(edge, 3)
    assert len(bucket.list_keys()) == 3
    assert sum(len(receipt["stored"]) for receipt in edge.receipts) == 3


def test_images_of_every_qos_are_stored(edge: Edge, uploaders: Uploaders, bucket: Bucket) -> None:
    uploaders.start_healthy()

    for qos in (0, 1, 2):
        edge.send(pictures.png(qos), qos=qos)

    wait_for_receipts(edge, 3)
    assert len(bucket.list_keys()) == 3


def test_storage_options_reach_s3(edge: Edge, uploaders: Uploaders, bucket: Bucket) -> None:
    uploaders.start_healthy(S3_STORAGE_CLASS="STANDARD_IA", S3_SSE="", AWS_PROFILE="", AWS_SESSION_TOKEN="")

    edge.send(pictures.png(1))

    (key,) = bucket.wait_for(1)
    assert bucket.client.head_object(Bucket=bucket.name, Key=key)["StorageClass"] == "STANDARD_IA"
