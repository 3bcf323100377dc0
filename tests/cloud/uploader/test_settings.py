"""What the uploader says about wrong settings."""

from pathlib import Path

import pytest

from common.runtime.settings import SettingsError, read_settings
from dev.harness.services import start_uploader
from uploader.settings import Settings


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("S3_BUCKET", "", "S3_BUCKET is not set"),
        ("S3_BUCKET", "No Bucket!", "S3_BUCKET=No Bucket! must be a bucket's name"),
        ("S3_BUCKET", "a..b", "S3_BUCKET=a..b must be a bucket's name"),
        ("S3_BUCKET", "10.0.0.7", "S3_BUCKET=10.0.0.7 must be a bucket's name"),
        ("S3_BUCKET", "arn:aws:s3:::faces", "S3_BUCKET=arn:aws:s3:::faces must be a bucket's name"),
        ("S3_RETENTION_DAYS", "-1", "S3_RETENTION_DAYS=-1 must be"),
        ("S3_PUBLIC_URL", "pictures.example", "S3_PUBLIC_URL=pictures.example must be a URL"),
        ("METRICS_PORT", "70000", "METRICS_PORT=70000 must be"),
        ("S3_KEY_TEMPLATE", "{host}.png", "S3_KEY_TEMPLATE={host}.png has {host}"),
        ("S3_KEY_TEMPLATE", "{edge}/{camera}", "S3_KEY_TEMPLATE={edge}/{camera} must have {id} or a time such as"),
        ("S3_ENDPOINT_URL", "store:8333", "S3_ENDPOINT_URL=store:8333 must be a URL"),
        ("S3_ENDPOINT_URL", "http://[", "S3_ENDPOINT_URL=http://["),
        ("S3_SSE", "yes", "S3_SSE=yes must be"),
        ("S3_KMS_KEY_ID", "key", "S3_KMS_KEY_ID needs S3_SSE=aws:kms"),
        ("UPLOAD_THREADS", "0", "UPLOAD_THREADS=0 must be"),
        ("UPLOAD_THREADS", "many", "UPLOAD_THREADS=many must be"),
        ("CLOUD_BROKER_PORT", "99999", "CLOUD_BROKER_PORT=99999 must be"),
        ("LOG_LEVEL", "loud", "LOG_LEVEL=loud must be"),
        ("AWS_SECRET_ACCESS_KEY", "hidden", "must be set together"),
    ],
)
def test_a_wrong_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str, sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("S3_BUCKET", "captures")
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError) as refusal:
        read_settings(Settings)

    (line,) = refusal.value.problems
    assert sentence in line
    assert line.endswith(("; set it in .env", "; change it in .env"))
    assert "hidden" not in line
    assert "\n" not in line


def test_every_wrong_setting_ends_the_start_with_its_own_line(tmp_path: Path) -> None:
    process = start_uploader(tmp_path, UPLOAD_THREADS="0", MAX_IMAGE_PIXELS="-1", CLOUD_BROKER_HOST="")

    assert process.popen.wait(20) == 2
    assert [line.split("=")[0] for line in process.tail().splitlines()] == [
        "uploader: S3_BUCKET is not set; set it in .env",
        "uploader: MAX_IMAGE_PIXELS",
        "uploader: UPLOAD_THREADS",
    ]


def test_an_unknown_profile_ends_the_start_with_one_line(tmp_path: Path) -> None:
    process = start_uploader(tmp_path, S3_BUCKET="captures", AWS_PROFILE="nobody")

    assert process.popen.wait(20) == 2
    (line,) = process.tail().splitlines()
    assert "nobody" in line
    assert "AWS_PROFILE" in line


def test_empty_settings_are_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("S3_BUCKET=captures\nS3_KEY_TEMPLATE=\nS3_SSE=\nUPLOAD_THREADS=\nLOG_LEVEL=info\n")

    settings = Settings()

    assert (settings.upload_threads, settings.s3_sse, settings.log_level) == (64, None, "INFO")
