"""The gallery hands out and deletes captures alone, whatever else the bucket holds and however wide the template is."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from storage.capture import OUR_METADATA, contract_names, is_stored_capture
from tests.cloud.gallery.rig import Gallery, capture, gallery, put
from tests.cloud.rig import Bucket

WIDE = "{edge}/{captured_at:%B}"  # other people's objects look like captures
FOREIGN = "backups/August"
GENUINE = capture(1)
OTHERS = {
    "no metadata": ({}, "image/png"),
    "no image": (GENUINE.metadata, "application/octet-stream"),
    "another id": (GENUINE.metadata | {"id": "7"}, "image/png"),
    "an id alone": ({"id": GENUINE.id}, "image/png"),
    "an image as vectors": (GENUINE.metadata, "image/svg+xml"),
}


@pytest.fixture
def page(tmp_path: Path, settings: dict[str, str]) -> Iterator[Gallery]:
    with gallery(tmp_path, settings, S3_KEY_TEMPLATE=WIDE, GALLERY_DELETE="on") as page:
        yield page


def test_other_objects_are_neither_linked_nor_shown_nor_deleted(page: Gallery, bucket: Bucket) -> None:
    (ours,) = put(bucket, GENUINE, template=WIDE)
    foreign = [f"backups/{month}" for month in ("April", "May", "June", "July", "August")]
    for key, (metadata, content_type) in zip(foreign, OTHERS.values(), strict=True):
        bucket.client.put_object(
            Bucket=bucket.name, Key=key, Body=GENUINE.image, ContentType=content_type, Metadata=metadata
        )

        assert page.ask(f"/api/link?key={key}", "POST").status == 404
        assert page.ask(f"/image?key={key}").status == 404
        assert page.ask(f"/thumbnail?key={key}").status == 404
        assert page.ask(f"/api/capture?key={key}").status == 404
        assert page.post("/api/delete", {"keys": [ours, key]}) == 400
        assert page.post("/api/share", {"keys": [ours, key]}) == 404
        for starred in (True, False):
            assert page.post("/api/star", {"keys": [ours, key], "starred": starred}) == 404
        packed = page.ask("/api/zip", "POST", urlencode({"keys": json.dumps([ours, key])}))
        assert packed.body.count(GENUINE.image) == 1
        assert set(bucket.list_keys()) == {ours, *foreign[: foreign.index(key) + 1]}

    assert page.ask(f"/api/link?key={ours}", "POST").status == 200
    assert page.ask(f"/image?key={ours}").body == GENUINE.image
    assert page.get("/api/capture", key=ours)["metadata"]["id"] == GENUINE.id
    assert page.post("/api/delete", {"keys": [ours]}) == 200


def test_deletion_names_the_object_that_is_not_a_capture(page: Gallery, bucket: Bucket) -> None:
    bucket.client.put_object(Bucket=bucket.name, Key=FOREIGN, Body=b"x")

    refused = page.ask("/api/delete", "POST", json.dumps({"keys": [FOREIGN]}))

    assert json.loads(refused.body)["problem"] == f"{FOREIGN} is not a capture, so nothing was deleted."


@pytest.mark.parametrize(
    "spelled",
    [
        {"Id": "id", "EDGE": "edge", "Camera": "camera", "Captured-At": "captured_at"},
        {name.replace("_", "-"): name for name in OUR_METADATA},
    ],
)
def test_a_store_may_spell_the_names_of_metadata_otherwise(spelled: dict[str, str]) -> None:
    metadata = {theirs: GENUINE.metadata[ours] for theirs, ours in spelled.items()}

    assert is_stored_capture(contract_names(metadata), "image/jpeg")
    assert is_stored_capture(contract_names(metadata), "Image/PNG; charset=binary")
