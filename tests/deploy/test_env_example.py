""".env.example: every setting, the ones that must be set first, each with its true default."""

import pytest
from pydantic.fields import FieldInfo

from camera.config.settings import Settings as CameraSettings
from enroll.settings import Settings as EnrollSettings
from gallery.settings import Settings as GallerySettings
from tests.deploy.shipped import CLOUD, EDGE, example_settings, variables_read
from tests.support.paths import ROOT
from uploader.settings import Settings as UploaderSettings

HALVES = (EnrollSettings, UploaderSettings, GallerySettings, CameraSettings)
FIELDS: dict[str, FieldInfo] = {name: field for half in HALVES for name, field in half.model_fields.items()}
MUST_BE_SET = {
    "ROLE",
    "EDGE_TOKEN",
    "CLOUD_HOST",
    "CAMERA_SOURCE",
    "S3_BUCKET",
    "AWS_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
}


def test_it_names_every_setting_and_no_other() -> None:
    read = {field.upper() for field in FIELDS} | variables_read(EDGE) | variables_read(CLOUD) | {"ROLE"}

    assert set(example_settings()) == read


def test_what_must_be_set_comes_first_and_nothing_else_is_set() -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    set_lines = [line.split("=")[0] for line in text.splitlines() if "=" in line and not line.startswith("#")]

    assert set(set_lines) == MUST_BE_SET
    assert max(text.index(f"\n{name}=") for name in MUST_BE_SET) < text.index("\n#CLOUD_PORT=")


@pytest.mark.parametrize(
    "name", [name for name in FIELDS if name not in {"aws_region", "cloud_host", "heartbeat_file", "s3_bucket"}]
)
def test_a_default_is_shown_as_it_is(name: str) -> None:
    default = FIELDS[name].default
    shown = example_settings()[name.upper()]

    assert shown == ("" if default is None else f"{default}")
