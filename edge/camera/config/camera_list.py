"""Which cameras there are on this host, and what each is set to."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import ValidationError

from camera.config.settings import CameraSettings, Settings
from camera.sources.v4l2.discovery import AUTO, is_device, node_path
from common.runtime.settings import explain

SHARED_BY_MANY = ("demo",)  # sources that may be opened more than once
OVERRIDABLE = set(CameraSettings.model_fields) - {"camera_name", "camera_source"}


class CameraConfigError(Exception):
    """CAMERAS or CAMERA_SETTINGS do not make sense; the text says which word and the mend."""


def expand_cameras(settings: Settings) -> tuple[Settings, ...]:
    """One `Settings` for each camera that CAMERAS names, or the one of CAMERA_NAME; raises CameraConfigError."""
    sources = dict(_parse_sources(settings.cameras)) or {settings.camera_name: settings.camera_source}
    changes = _parse_overrides(settings.camera_settings, sources)
    _refuse_one_source_twice(sources)
    _refuse_auto_beside_others(sources)
    return tuple(_camera_settings(settings, name, source, changes[name]) for name, source in sources.items())


def _parse_sources(text: str) -> Iterator[tuple[str, str]]:
    seen = set()
    for word in text.split():
        name, found, source = word.partition("=")
        if not found or not name or not source or "://" in name:
            raise CameraConfigError(
                f"CAMERAS: {_without_password(word)} is not NAME=SOURCE, like front=/dev/video0. Change it in .env."
            )
        if name in seen:
            raise CameraConfigError(f"CAMERAS names {name} twice: give each camera a name of its own in .env.")
        seen.add(name)
        yield name, source


def _parse_overrides(text: str, names: Mapping[str, str]) -> dict[str, dict[str, str]]:
    changes: dict[str, dict[str, str]] = {name: {} for name in names}
    for word in text.split():
        which, _, value = word.partition("=")
        name, _, setting = which.partition(".")
        if name not in changes:
            known = ", ".join(names)
            raise CameraConfigError(
                f"CAMERA_SETTINGS: {_without_password(word)} is for no camera ({known}). Change it in .env."
            )
        if setting.lower() not in OVERRIDABLE:
            raise CameraConfigError(
                f"CAMERA_SETTINGS: {setting or _without_password(word)} cannot be set for one camera."
                " Write NAME.SETTING=VALUE in .env."
            )
        changes[name][setting.lower()] = value
    return changes


def _refuse_one_source_twice(sources: Mapping[str, str]) -> None:
    counted = Counter(_normalized(source) for source in sources.values() if source not in SHARED_BY_MANY)
    for source, times in counted.items():
        if times > 1:
            raise CameraConfigError(
                f"CAMERAS names {_without_password(source)} {times} times: give each camera its own source in .env."
            )


def _without_password(word: str) -> str:
    """A word of the user's without what may hold a password."""
    return word.split("://", maxsplit=1)[0]


def _normalized(source: str) -> str:
    """One spelling of each source."""
    return str(node_path(source, Path("/dev")) or source)


def _refuse_auto_beside_others(sources: Mapping[str, str]) -> None:
    devices = [source for source in sources.values() if is_device(source)]
    if AUTO in devices and len(devices) > 1:
        raise CameraConfigError(
            "CAMERAS: auto takes any camera, so it cannot stand beside others: name each by its device or"
            " serial number (the doctor tells them) in .env."
        )


def _camera_settings(settings: Settings, name: str, source: str, changes: dict[str, str]) -> Settings:
    """Check what is set for one camera as if it stood in .env."""
    values = settings.model_dump() | changes | {"camera_name": name, "camera_source": source}
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise CameraConfigError(explain(error, Settings, owner=name)[0]) from None
