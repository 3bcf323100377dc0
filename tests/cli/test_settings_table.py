"""The check before a start and the settings classes agree."""

import functools
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from camera.config.settings import Settings as CameraSettings
from cli.settings.dotenv.env_file import Assignment, EnvFile
from cli.settings.rules import values
from dev.scripts import settings_table
from enroll.settings import Settings as EnrollSettings
from gallery.settings import Settings as GallerySettings
from uploader.settings import Settings as UploaderSettings

HALVES: tuple[Any, ...] = (CameraSettings, UploaderSettings, GallerySettings, EnrollSettings)
NEEDED = {"s3_bucket": "faces", "cloud_host": "cam.example"}
TRIED = """
0 1 2 3 -1 0.1 0.05 0.7 1.5 3.1 9 10 15 64 63 65 100 101 240 241 255 1000 1001 2000 2001 8192 8193
36500 36501 65535 65536 86400 86401 100001 1e9 nan inf abc on ON Yes off No true false maybe face
Frame best png JPEG jpg stop INFO debug Warn AES256 aes256 aws:kms kms when_supported WHEN_REQUIRED
STANDARD standard faces Faces fa fa_ces a..b 1.2.3.4 http://s:1 ftp://s s:1 {id}.png {id} {x} /{id}
{captured_at:%d}.png 0,0:0,1:1,1 0,0 0,0:2,0:1,1 08:00-18:00 8-18 mo-fr/08:00-18:00
mo-xx/08:00-18:00 24:00-08:00 08:00-24:00 Europe/Berlin Berlin auto /dev/video0 porch front-1
cam.example cam_1.example ::1 172.18.0.1 172.16.0.0/12 300.1.1.1 a.example,b.example
"""


@functools.cache
def unread(kind: Any) -> Any:
    """The class without the environment and .env, which it would read again for each value."""
    return type(kind.__name__, (kind,), {"__init__": BaseModel.__init__})


def accepted(kind: Any, field: str, value: str) -> bool:
    try:
        unread(kind).model_validate(
            {**{name: text for name, text in NEEDED.items() if name in kind.model_fields}, field: value}
        )
    except ValidationError:
        return False
    return True


def test_the_table_is_that_of_the_classes() -> None:
    assert settings_table.TABLE.read_text(encoding="utf-8") == settings_table.table(), "run make docs"


FIELDS = sorted(
    {(field, kind) for kind in HALVES for field in kind.model_fields}, key=lambda pair: (pair[0], str(pair[1]))
)
PAIRED = {"aws_access_key_id", "aws_secret_access_key", "s3_kms_key_id"}


@pytest.mark.parametrize(("field", "kind"), [pair for pair in FIELDS if pair[0] not in PAIRED])
def test_what_a_class_refuses_the_check_refuses_before(field: str, kind: Any) -> None:
    name = field.upper()
    for value in TRIED.split():
        env = EnvFile({name: Assignment(name, value, 1)}, ())
        if values.problem(name, value, env) is None:
            assert accepted(kind, field, value), f"{name}={value}"


@pytest.mark.parametrize("kind", HALVES)
def test_a_switch_takes_every_usual_word(kind: Any) -> None:
    for field, described in kind.model_fields.items():
        if set(getattr(described.annotation, "__args__", ())) == {"on", "off"}:
            read = [kind.model_validate({**NEEDED, field: word}) for word in ("On", "yes", "TRUE", "1")]
            assert {getattr(settings, field) for settings in read} == {"on"}
            assert getattr(kind.model_validate({**NEEDED, field: "No"}), field) == "off"
