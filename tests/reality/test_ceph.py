"""Ceph's object gateway, with a database in the place of a cluster."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.harness.process import LOOPBACK, free_port, until_up
from storage.client import create_client
from storage.reader import ObjectReader
from tests.cloud.stores.conftest import MakeSettings, make_settings
from tests.cloud.stores.test_odd_stores import CAPTURES, checked, set_up, writer
from tests.cloud.stores.test_real_stores import answers
from tests.reality.asked import ASKED
from tests.reality.debian import debian
from uploader.settings import Settings

__all__ = ["make_settings"]

pytestmark = ASKED

KEY, SECRET = "ceph-key", "ceph-secret"


@pytest.fixture
def ceph(tmp_path: Path) -> Iterator[str]:
    machine, port = debian("trixie", "ceph", "radosgw"), free_port()
    data = f"/var/lib/ceph/{port}"
    (machine.root / data.lstrip("/")).mkdir(parents=True)
    options = (
        *("-n", "client.rgw", "--no-mon-config", f"--rgw-data={data}"),
        *("--rgw-backend-store=dbstore", f"--dbstore-db-dir={data}"),
        *("--rgw-config-store=dbstore", f"--dbstore-config-uri=file://{data}/config.db"),
    )
    keys = (f"--access-key={KEY}", f"--secret-key={SECRET}")
    machine.run("radosgw-admin", *options, "user", "create", "--uid=test", "--display-name=Test", *keys)
    frontend = f"--rgw-frontends=beast endpoint={LOOPBACK}:{port}"
    process = machine.start("ceph", tmp_path / "ceph", "radosgw", "-f", *options, frontend)
    until_up(process, lambda: answers(f"http://{LOOPBACK}:{port}"))
    yield f"http://{LOOPBACK}:{port}"
    process.kill()
    shutil.rmtree(machine.root / data.lstrip("/"))


@pytest.fixture
def settings(ceph: str, make_settings: MakeSettings) -> Settings:
    return make_settings(ceph, aws_access_key_id=KEY, aws_secret_access_key=SECRET, s3_retention_days=30)


def test_everything_is_stored_once_and_read_back_after_setup_closed_the_bucket(settings: Settings) -> None:
    setup = set_up(settings)
    first = [writer(settings).store(capture) for capture in CAPTURES]
    again = [writer(settings).store(capture) for capture in CAPTURES]
    results = checked(settings)

    failures = {name: result.message for name, result in (setup | results).items() if result.status.value == "FAIL"}
    assert failures == {}
    assert [one.key for one in first] == [one.key for one in again]
    client = create_client(settings)
    reader = ObjectReader(lambda: client, settings.s3_bucket)
    assert [reader.read(one.key).body for one in first] == [capture.image for capture in CAPTURES]
    assert reader.metadata(first[0].key)["id"] == CAPTURES[0].id
    assert reader.list_prefixes("") == ["porch"]
    reader.delete([one.key for one in first])
    assert reader.list_objects("porch/", 10) == []
