"""Every setting of this host with the value that counts, and where it comes from."""

import json
import os
import re
from typing import Iterator, Sequence

from cli.settings import spoken
from cli.settings.dotenv.env_file import EnvFile
from cli.settings.names import EXAMPLE, SETTING, is_secret
from cli.settings.rules.values import RULES, SWITCH, TABLE
from cli.settings.shown import is_plain

EDGE_ONLY = ("EDGE_", "CAMERA_FILES", "VIDEO_GID", "HOMEASSISTANT")
CLOUD_ONLY = ("CLOUD_BIND", "CLOUD_EXTRA", "AWS_CREDENTIALS_FILE")


def lines(env: EnvFile, roles: Sequence[str]) -> Iterator[str]:
    """One line for each setting, in the order of .env.example."""
    for name in SETTING.findall(EXAMPLE.read_text(encoding="utf-8")):
        if not _belongs(name, roles):
            continue
        value, origin = _effective(name, env)
        yield f"{name + '=' + _shown(name, value):<58} # {spoken.sentence(origin)}"


def _belongs(name: str, roles: Sequence[str]) -> bool:
    sides = TABLE.get(name, {}).get("sides")
    if sides is not None:
        return bool(set(sides) & set(roles)) or name in {"CLOUD_HOST", "CLOUD_PORT"}
    if name.startswith(EDGE_ONLY):
        return "edge" in roles
    return "cloud" in roles if name.startswith(CLOUD_ONLY) else name in RULES or name == "ROLE"


def _effective(name: str, env: EnvFile) -> "tuple[str, str]":
    default = TABLE.get(name, {}).get("default")
    if name == "TIMEZONE" and not env.line(name):
        return env.get(name), "of this host"
    if os.environ.get(name):
        value, origin = os.environ[name], "the environment"
    elif env.get(name):
        value, origin = env.get(name), f".env line {env.line(name)}"
    else:
        return f"{default}" if default is not None else _example(name), spoken.word("default")
    if set(TABLE.get(name, {}).get("choices", ())) == {"on", "off"}:
        value = SWITCH.get(value.lower(), value)
    return value, origin


def _example(name: str) -> str:
    """What .env.example shows as the default of a setting that no class has."""
    found = re.search(rf"^#{name}=(.*)$", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else ""


def _shown(name: str, value: str) -> str:
    if not value:
        return ""
    if is_secret(name) or not is_plain(name, value):
        return f"({spoken.word('set')})"
    return value if " " not in value else json.dumps(value)
