"""The reference of settings: names and values from the settings classes, sentences from .env.example."""

import re
import types
import typing
from collections.abc import Iterable, Iterator
from pathlib import Path

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from camera.config.settings import Settings as CameraSettings
from dev.documents.env_example import ROOT, ExampleSetting, example_settings
from enroll.settings import Settings as EnrollSettings
from gallery.settings import Settings as GallerySettings
from uploader.settings import Settings as UploaderSettings

Readers = dict[str, type[BaseSettings]]

SIDES: dict[str, Readers] = {
    "edge": {"camera": CameraSettings},
    "cloud": {"enroll": EnrollSettings, "uploader": UploaderSettings, "gallery": GallerySettings},
}
START = "<!-- Made by `make docs` from the settings classes and .env.example. Do not edit. -->"
INTRODUCTION = """# {Side} settings

{start}

Set these in `.env` on the {side} host; `./usbcam up` reads it. An empty value means the
default. A wrong value stops the start with a sentence that names it.

{names} must be set.
"""
IN_THE_TOKEN = {"EDGE_NAME", "CLOUD_HOST", "CLOUD_PORT"}
VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)")
SERVICE = re.compile(r"  ([a-z][a-z-]*):(\s|$)")


def page(side: str) -> str:
    """Return the page about one host's settings."""
    readers = readers_of(side)
    settings = [setting for setting in example_settings() if setting.name in readers]
    must = [setting.name for setting in settings if is_required(setting, side)]
    parts = [
        INTRODUCTION.format(
            Side=side.capitalize(), side=side, start=START, names=" and ".join(f"`{name}`" for name in must)
        )
    ]
    for title, members in _by_section(settings):
        rows = [_row(setting, side, readers[setting.name]) for setting in members]
        parts += [
            f"## {title}\n",
            "| setting | default | values | meaning | read by |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    return "\n".join(parts).rstrip() + "\n"


def readers_of(side: str) -> dict[str, list[str]]:
    """Tell which services of a host read each setting, by its classes and its Compose file."""
    readers: dict[str, list[str]] = {}
    for service, settings in SIDES[side].items():
        for field in settings.model_fields:
            readers.setdefault(field.upper(), []).append(service)
    for service, name in _compose_variables(ROOT / f"docker-compose.{side}.yml"):
        if service not in readers.setdefault(name, []):
            readers[name].append(service)
    return readers


def is_required(setting: ExampleSetting, side: str) -> bool:
    """Tell whether the host does not work without it."""
    fields = [settings.model_fields.get(setting.name.lower()) for settings in SIDES[side].values()]
    return any(field is not None and field.is_required() for field in fields) or setting.name == "EDGE_TOKEN"


def values(name: str, side: str) -> str:
    """Say in words which values are allowed; empty where any text is."""
    for settings in SIDES[side].values():
        if field := settings.model_fields.get(name.lower()):
            return field.description if field.description and side == "edge" else _allowed(field)
    return ""


def _allowed(field: FieldInfo) -> str:
    annotation = _without_none(field.annotation)
    if typing.get_origin(annotation) is typing.Literal:
        *most, last = (f"`{choice}`" for choice in typing.get_args(annotation))
        return f"{', '.join(most)} or {last}"
    if annotation is Path:
        return "a path"
    if annotation not in (int, float):
        return ""
    low = next((m.ge if isinstance(m, Ge) else m.gt for m in field.metadata if isinstance(m, Ge | Gt)), None)
    high = next((m.le if isinstance(m, Le) else m.lt for m in field.metadata if isinstance(m, Le | Lt)), None)
    if high is None:
        return f"a number, at least {low}"
    return f"{low} to {high}"


def _without_none(annotation: object) -> object:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return next(part for part in typing.get_args(annotation) if part is not type(None))
    return annotation


def _by_section(settings: Iterable[ExampleSetting]) -> Iterator[tuple[str, list[ExampleSetting]]]:
    sections: dict[str, list[ExampleSetting]] = {}
    for setting in settings:
        sections.setdefault(_title(setting.section), []).append(setting)
    yield from sections.items()


def _title(section: str) -> str:
    """`Edge: the camera` is `The camera` on a page of the edge."""
    plain = re.sub(r"^(Edge|Cloud): ", "", section)
    plain = re.sub(r"What must be set on the (edge|cloud) host.*", "Start here", plain)
    plain = plain.split(";")[0].replace("Both", "Both hosts")
    return plain[0].upper() + plain[1:]


def _row(setting: ExampleSetting, side: str, readers: list[str]) -> str:
    shown = f"`{setting.default}`" if setting.default else ""
    if is_required(setting, side):
        shown = "must be set"
    elif side == "edge" and setting.name in IN_THE_TOKEN:
        shown = "as the token says"
    cells = (f"`{setting.name}`", shown, values(setting.name, side), setting.meaning, ", ".join(readers))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _compose_variables(file: Path) -> Iterator[tuple[str, str]]:
    service, in_services = "Compose", False
    for line in file.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith((" ", "#")):
            in_services, service = line.startswith("services:"), "Compose"
        elif in_services and (named := SERVICE.match(line)):
            service = named[1]
        if not line.lstrip().startswith("#"):
            yield from ((service, name) for name in VARIABLE.findall(line))
