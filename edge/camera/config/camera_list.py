"""Which cameras there are on this host, and the settings of each."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from pydantic import ValidationError

from camera.config.camera_url import ENCODING, MARK, PORTS
from camera.config.settings import CameraSettings, Settings
from camera.config.source_spec import DeviceSpec, SourceSpec, SyntheticSpec, parse_source
from common.runtime.settings import explain

WORD = re.compile(r"[\w.-]*")
ASSIGNMENT = re.compile(r"[\w.-]*=?[\w.-]*")
LISTED_SOURCE = re.compile(r",$|,[\w-]+=(?:auto|demo|serial:|/|\w+://|\d+$)")
LISTED_SETTING = re.compile(r",$|,[\w-]+\.\w+=")
OVERRIDABLE = set(CameraSettings.model_fields) - {"camera_name", "camera_source"}


class CameraConfigError(Exception):
    """CAMERAS or CAMERA_SETTINGS do not make sense; the text says which word, and how to fix it."""


def expand_cameras(settings: Settings) -> tuple[Settings, ...]:
    """One `Settings` for each camera that CAMERAS names, or the one of CAMERA_NAME; raises CameraConfigError."""
    sources = dict(_parse_sources(settings.cameras)) or {settings.camera_name: settings.camera_source}
    overrides = _parse_overrides(settings.camera_settings, sources)
    specs = [parse_source(source) for source in sources.values()]
    _check_used_once(specs)
    _check_auto_is_alone(specs)
    return tuple(_camera_settings(settings, name, source, overrides[name]) for name, source in sources.items())


def _parse_sources(text: str) -> Iterator[tuple[str, str]]:
    seen = set()
    for number, word in enumerate(text.split(), 1):
        name, found, source = word.partition("=")
        if not found or not name or not source or not _may_be_shown(name):
            raise CameraConfigError(
                f"CAMERAS: {_shown(word, number, text)} is not NAME=SOURCE, like front=/dev/video0. Change it in .env."
                f"{_hint(text)}"
            )
        if LISTED_SOURCE.search(word):
            raise CameraConfigError("CAMERAS has a comma between two cameras: put a space there in .env.")
        if name in seen:
            shown = name if MARK in source else _shown(name, number, text)
            raise CameraConfigError(f"CAMERAS names {shown} twice: give each camera its own name in .env.")
        seen.add(name)
        yield name, source


def _parse_overrides(text: str, cameras: Mapping[str, str]) -> dict[str, dict[str, str]]:
    overrides: dict[str, dict[str, str]] = {name: {} for name in cameras}
    for number, word in enumerate(text.split(), 1):
        which, _, value = word.partition("=")
        name, _, setting = which.partition(".")
        shown = _shown(word, number, text)
        if LISTED_SETTING.search(word):
            raise CameraConfigError("CAMERA_SETTINGS has a comma between two settings: put a space there in .env.")
        if name not in overrides:
            raise CameraConfigError(
                f"CAMERA_SETTINGS: {shown} is for no camera ({', '.join(cameras)}). Change it in .env."
            )
        if setting.lower() not in OVERRIDABLE:
            raise CameraConfigError(
                f"CAMERA_SETTINGS: {setting if setting and _may_be_shown(setting) else shown} cannot be set for one"
                " camera. Write NAME.SETTING=VALUE in .env."
            )
        overrides[name][setting.lower()] = value
    return overrides


def _check_used_once(specs: Iterable[SourceSpec]) -> None:
    """Only synthetic cameras may be opened more than once."""
    counted = Counter(spec for spec in specs if not isinstance(spec, SyntheticSpec))
    for spec, times in counted.items():
        if times > 1:
            hint = (
                " Cameras with one serial are named by their ports, below /dev/v4l/by-path." if _is_serial(spec) else ""
            )
            raise CameraConfigError(
                f"CAMERAS names {spec} {times} times: give each camera its own source in .env.{hint}"
            )


def _is_serial(spec: SourceSpec) -> bool:
    return isinstance(spec, DeviceSpec) and spec.serial is not None


def _check_auto_is_alone(specs: Iterable[SourceSpec]) -> None:
    devices = [spec for spec in specs if isinstance(spec, DeviceSpec)]
    if len(devices) > 1 and any(spec.is_any for spec in devices):
        raise CameraConfigError(
            "CAMERAS: auto takes any camera, so it cannot be one of several. Name each in .env by its device or"
            " serial number; the doctor lists them."
        )


def _may_be_shown(word: str) -> bool:
    return WORD.fullmatch(word) is not None


def _shown(word: str, number: int, text: str) -> str:
    """A word as it may be shown; where there are addresses, any word may be a part of a password."""
    if MARK not in text and "@" not in text and ASSIGNMENT.fullmatch(word):
        return word
    scheme = word.split(MARK, maxsplit=1)[0]
    return scheme if scheme in PORTS else f"word {number}"


def _hint(text: str) -> str:
    return f" {ENCODING}" if MARK in text or "@" in text else ""


def _camera_settings(settings: Settings, name: str, source: str, overrides: dict[str, str]) -> Settings:
    """Validate one camera's settings as if they stood in .env."""
    values = settings.model_dump() | overrides | {"camera_name": name, "camera_source": source}
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise CameraConfigError(explain(error, Settings, owner=name)[0]) from None
