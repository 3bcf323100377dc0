"""Writes cli/settings/table.json: what the settings classes say of each setting, for the check before a start."""

import json
import sys
import warnings
from pathlib import Path
from typing import Any

from apprise.plugins import N_MGR
from pydantic_settings import BaseSettings

from camera.config.settings import CameraSettings
from camera.config.settings import Settings as Camera
from enroll.settings import Settings as Enroll
from gallery.settings import Settings as Gallery
from uploader.settings import Settings as Uploader

TABLE = Path(__file__).resolve().parents[2] / "cli" / "settings" / "table.json"
SIDES: tuple[tuple[str, type[BaseSettings]], ...] = (
    ("edge", Camera),
    ("cloud", Enroll),
    ("cloud", Uploader),
    ("cloud", Gallery),
)
BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "pattern")


def entry(name: str, described: dict[str, Any]) -> dict[str, Any]:
    """What one field allows, in few words: its kind, its bounds, its default."""
    options = [option for option in described.get("anyOf", [described]) if option.get("type") != "null"]
    option = options[0]
    kind = "choice" if "enum" in option else option["type"]
    row = {"kind": kind, "default": described.get("default")}
    row |= {key: option[key] for key in BOUNDS if key in option}
    if kind == "choice":
        row["choices"] = option["enum"]
    if "description" in described:
        row["description"] = described["description"]
    if name in CameraSettings.model_fields and name not in {"camera_name", "camera_source"}:
        row["per_camera"] = True
    return row


def services() -> list[str]:
    """What an address of NOTIFY_URLS can begin with."""
    with warnings.catch_warnings(action="ignore"):  # one plugin reads images by a module that Python will drop
        return sorted(N_MGR.schemas())  # type: ignore[no-untyped-call]


def table() -> str:
    rows: dict[str, dict[str, Any]] = {}
    for side, kind in SIDES:
        for name, described in kind.model_json_schema()["properties"].items():
            row = rows.setdefault(name.upper(), entry(name, described) | {"sides": []})
            row["sides"] = sorted({*row["sides"], side})
    rows["NOTIFY_URLS"]["services"] = services()
    lines = [f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in sorted(rows.items())]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main() -> int:
    TABLE.write_text(table(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
