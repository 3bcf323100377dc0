"""What a value may be: by the table of the settings classes, and for some names by rules of their own."""

from __future__ import annotations

import difflib
import json
import math
import re
from pathlib import Path
from typing import Any

from cli.settings import spoken
from cli.settings.dotenv.env_file import EnvFile, is_placeholder
from cli.settings.names import is_secret
from cli.settings.rules import addresses, cameras, files, hosts, hours, slips, storage
from cli.settings.shown import SOURCES, is_plain, repeats

TABLE: dict[str, dict[str, Any]] = json.loads((Path(__file__).parents[1] / "table.json").read_text(encoding="utf-8"))
SWITCH = {"on": "on", "yes": "on", "true": "on", "1": "on", "enabled": "on", "y": "on", "t": "on"}
SWITCH.update({"off": "off", "no": "off", "false": "off", "0": "off", "disabled": "off", "n": "off", "f": "off"})
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)")
WITH_UNIT = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*([A-Za-z%/]+)")
RULES = {**cameras.RULES, **files.RULES, **hosts.RULES, **hours.RULES, **storage.RULES}
# What those must be whose wrong value may not be shown, and for which no settings class has words.
SHAPES = {
    **dict.fromkeys(("S3_ENDPOINT_URL", "S3_PUBLIC_URL"), storage.URL),
    **dict.fromkeys(files.PATHS, "a path of this host that starts with / or ./"),
    "AWS_ACCESS_KEY_ID": "AWS's 20 capitals and digits",
    "AWS_REGION": "a region's name, such as us-east-1",
    "S3_BUCKET": "a bucket's name, such as faces-of-mine",
    "CLOUD_EXTRA_NAMES": "names or addresses with commas between them",
}
# What a unit behind a number is in the setting's own, which is the last word of its name.
SCALES: dict[str, dict[str, float]] = {
    "MB": {"g": 1024, "gb": 1024, "gib": 1024, "tb": 1024**2},
    "SECONDS": {"ms": 0.001, "m": 60, "min": 60, "h": 3600},
    "MINUTES": {"s": 1 / 60, "h": 60, "d": 1440},
    "DAYS": {"h": 1 / 24, "w": 7, "weeks": 7, "m": 30, "months": 30, "y": 365, "year": 365, "years": 365},
    "PIXELS": {"k": 1000, "m": 1_000_000, "mp": 1_000_000},
}
MAX_CHARACTERS = 20_000  # of a list of cameras; a token is shorter, too
PER_CAMERA = {name for name, row in TABLE.items() if row.get("per_camera")}


def problem(name: str, value: str, env: EnvFile) -> str | None:
    """What is wrong with the value, and the fix; it goes on after the setting's name. None if it is right."""
    if not value:
        return None
    if is_placeholder(value) and name != "S3_KEY_TEMPLATE":
        return "is still a placeholder; put the real value there"
    if len(value) > MAX_CHARACTERS:
        return f"has {len(value)} characters, which is too long; write it again"
    if not is_secret(name) and any(sign.isdecimal() and not sign.isascii() for sign in value):
        return "has digits of another script; type them again as 0 to 9"
    try:
        found = _judged(name, value, env)
    except OSError as error:  # a path that is too long, or a folder that may not be seen
        return f"cannot be looked up ({error.strerror}); fix the path"
    if found is None:
        return None
    slip = slips.slip(name, value, lambda bare: _judged(name, bare, env) is None)
    if slip or is_secret(name) or name in SOURCES or is_plain(name, value) or not repeats(found, value):
        return slip or found
    return f"must be {SHAPES.get(name) or TABLE.get(name, {}).get('description') or 'written as .env.example shows'}"


def _judged(name: str, value: str, env: EnvFile) -> str | None:
    if name == "CAMERA_SETTINGS":
        return cameras.settings_problem(value, env, problem, PER_CAMERA)
    rule = RULES.get(name)
    return (rule(value, env) if rule else None) or _by_table(name, value)


def _by_table(name: str, value: str) -> str | None:
    row = TABLE.get(name, {})
    kind = row.get("kind")
    if kind == "choice":
        return _choice(value, [str(choice) for choice in row["choices"]])
    if kind in {"integer", "number"}:
        return _number(name, value, row)
    if "services" in row:
        return addresses.problem(value, row["services"])
    if "pattern" in row and not re.fullmatch(row["pattern"].strip("^$"), value):
        plain = re.sub("[^A-Za-z0-9_-]+", "-", value).strip("-_")
        what = row.get("description", "written as .env.example shows")
        return (
            f"must be {what}; write {plain}" if re.fullmatch(row["pattern"].strip("^$"), plain) else f"must be {what}"
        )
    return None


def _choice(value: str, choices: list[str]) -> str | None:
    if any(value.lower() == choice.lower() for choice in choices):
        return None
    if set(choices) == {"on", "off"}:
        return None if value.lower() in SWITCH else "must be on or off"
    listed = f"{', '.join(choices[:-1])} {spoken.word('or')} {choices[-1]}"
    close = difflib.get_close_matches(value.lower(), [choice.lower() for choice in choices], n=1)
    meant = next((choice for choice in choices if close and choice.lower() == close[0]), "")
    return f"must be {listed}; did you mean {meant}?" if meant else f"must be {listed}"


def _number(name: str, value: str, row: dict[str, Any]) -> str | None:
    what = row.get("description") or _bounds(row)
    if name.endswith("_PORT"):
        found = hosts.port_problem(name, value)
        if found:
            return found
    if re.fullmatch(r"[+-]?\d+,\d+", value) and row["kind"] == "number":
        return f"must be {what}; write {value.replace(',', '.')}, with a point"
    unit = WITH_UNIT.fullmatch(value)
    if unit and unit[2] == "%" and (row.get("maximum") == 1 or "share" in what):
        return f"must be {what}; write {float(unit[1]) / 100:g}"
    if unit:
        scale = SCALES.get(name.rsplit("_", maxsplit=1)[-1], {}).get(unit[2].lower(), 1)
        meant = float(unit[1]) * scale
        meant = math.ceil(meant) if row["kind"] == "integer" else meant
        return f"must be {what}; write {unit[1] if scale == 1 else f'{meant:.10g}'} without {unit[2]}"
    if re.fullmatch(r"\d+(\.\d+)?[eE]\+?\d", value):
        return f"must be {what}; write {float(value):.10g}"
    if not NUMBER.fullmatch(value):
        return f"must be {what}; write digits alone"
    number = float(value)
    if row["kind"] == "integer" and ("." in value or abs(number) > 2**53):
        return f"must be {what}; write a whole number"
    low, high = row.get("minimum", float("-inf")), row.get("maximum", float("inf"))
    if not low <= number <= high or number <= row.get("exclusiveMinimum", float("-inf")):
        return f"must be {what}"
    return None


def _bounds(row: dict[str, Any]) -> str:
    is_whole = row["kind"] == "integer"
    low, high = row.get("minimum"), row.get("maximum")
    if low is not None and high is not None:
        return f"a whole number from {low} to {high}" if is_whole else f"a number from {low} to {high}"
    if low is not None:
        return f"a whole number, {low} or more" if is_whole else f"a number, {low} or more"
    return "a whole number" if is_whole else "a number"
