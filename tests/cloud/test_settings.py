"""What the uploader says about wrong settings, through its real command line."""

from pathlib import Path

import pytest

from local.stack import start_uploader

GOOD = {"S3_BUCKET": "captures"}


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"S3_BUCKET": ""}, "S3_BUCKET is not set"),
        ({"S3_BUCKET": "No Bucket!"}, "S3_BUCKET=No Bucket! must be a bucket's name"),
        ({"S3_KEY_TEMPLATE": "{host}.png"}, "S3_KEY_TEMPLATE={host}.png has {host}"),
        ({"S3_ENDPOINT_URL": "store:8333"}, "S3_ENDPOINT_URL=store:8333 must be a URL"),
        ({"S3_SSE": "yes"}, "S3_SSE=yes must be"),
        ({"S3_KMS_KEY_ID": "key"}, "S3_KMS_KEY_ID needs S3_SSE=aws:kms"),
        ({"UPLOAD_THREADS": "0"}, "UPLOAD_THREADS=0 must be"),
        ({"UPLOAD_THREADS": "many"}, "UPLOAD_THREADS=many must be"),
        ({"CLOUD_BROKER_PORT": "99999"}, "CLOUD_BROKER_PORT=99999 must be"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL="),
        ({"AWS_SECRET_ACCESS_KEY": "hidden"}, "must be set together"),
        ({"AWS_PROFILE": "nobody"}, "nobody"),
    ],
)
def test_a_wrong_setting_ends_the_start_with_one_line_that_names_it(
    tmp_path: Path, settings: dict[str, str], sentence: str
) -> None:
    process = start_uploader(tmp_path, **(GOOD | settings))

    assert process.popen.wait(20) == 2
    line, *more = process.tail().splitlines()
    assert line.startswith("uploader: ")
    assert sentence in line
    assert more == []
    assert "hidden" not in line


def test_every_wrong_setting_has_its_own_line(tmp_path: Path) -> None:
    process = start_uploader(tmp_path, UPLOAD_THREADS="0", MAX_IMAGE_PIXELS="-1")

    process.popen.wait(20)
    lines = process.tail().splitlines()
    assert [line.partition("=")[0].split()[1] for line in lines] == ["S3_BUCKET", "UPLOAD_THREADS", "MAX_IMAGE_PIXELS"]
