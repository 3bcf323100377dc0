"""Whether .env can be used: each problem is one sentence with line, setting and fix."""

from __future__ import annotations

import re
from typing import Iterator, Sequence

from cli.settings.dotenv.env_file import EnvFile, Problem
from cli.settings.rules.hosts import in_containers
from cli.settings.rules.values import TABLE, problem

REQUIRED = {
    "CLOUD_HOST": "the name or address by which edges reach this host",
    "S3_BUCKET": "the name of your bucket, which ./usbcam setup can make",
}
TOKENS = ("EDGE_TOKEN", "EDGE_TOKEN_FILE")
PORTS = {"CLOUD_PORT": "cloud", "GALLERY_PORT": "cloud", "LIVE_PORT": "edge", "METRICS_PORT": "cloud"}
OF_PROCESSES = {"EDGE_BROKER_PORT": "edge", "CLOUD_BROKER_PORT": "cloud"}  # in containers each has its own
NAME = re.compile(r"\b[A-Z][A-Z0-9_]+\b")
ROLES = ("edge", "cloud", "both")


def problems(env: EnvFile, roles: Sequence[str]) -> list[Problem]:
    """All problems, by line."""
    found = list(env.problems)
    for judge in (_of_values, _missing, _ports):
        named = {wrong.name for wrong in found if wrong.name}  # one sentence for each setting
        found += [wrong for wrong in judge(env, roles) if not named & {wrong.name, *NAME.findall(wrong.text)}]
    return sorted(found, key=lambda wrong: wrong.line)


def _of_values(env: EnvFile, _roles: Sequence[str]) -> Iterator[Problem]:
    for setting in env.settings.values():
        if setting.name == "ROLE" and setting.value and setting.value not in ROLES:
            yield Problem(setting.line, f"{setting.shown} must be edge, cloud or both", "ROLE")
            continue
        wrong = problem(setting.name, setting.value, env)
        if wrong:
            yield Problem(setting.line, f"{setting.shown} {wrong}", setting.name)


def _missing(env: EnvFile, roles: Sequence[str]) -> Iterator[Problem]:
    if "cloud" not in roles:
        return
    if env.get("ROLE") == "cloud" and any(map(env.get, TOKENS)) and not any(map(env.get, REQUIRED)):
        yield Problem(env.line("ROLE"), "ROLE=cloud, but what is set is the edge's; write ROLE=edge", "ROLE")
        return
    for name, meaning in REQUIRED.items():
        if not env.get(name) and name not in env.settings:
            yield Problem(env.lines + 1, f"{name}= is missing; add this line, with {meaning}", name)
        elif not env.get(name):
            yield Problem(env.line(name), f"{name} is not set; set it to {meaning}", name)


def _ports(env: EnvFile, roles: Sequence[str]) -> Iterator[Problem]:
    """No two services of this host can have the same port."""
    taken: dict[str, str] = {}
    for name, side in (PORTS if in_containers() else {**PORTS, **OF_PROCESSES}).items():
        port = env.get(name) or str(TABLE[name]["default"])
        if side not in roles or port == "0":
            continue
        if port in taken and (env.get(name) or env.get(taken[port])):
            first, last = sorted((taken[port], name), key=env.line)
            yield Problem(env.line(last), f"{last} and {first} are both {port}; set another {last}", last)
        taken[port] = name
