"""The shipped files as the tests read them: Compose's view, the example settings, the repository's files."""

import functools
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import ROOT

EDGE, CLOUD, DEMO = "docker-compose.edge.yml", "docker-compose.cloud.yml", "docker-compose.demo.yml"
NEEDED = {"CLOUD_HOST": "cloud.example", "S3_BUCKET": "faces"}


def read_compose(file: str, **settings: str) -> dict[str, Any]:
    """Let Compose read a shipped file with only these settings, once for all tests; this needs no engine."""
    done = run_compose_config(file, **(NEEDED | settings))
    assert done.returncode == 0, done.stderr
    content: dict[str, Any] = json.loads(done.stdout)
    return content


@functools.cache
def run_compose_config(file: str, **settings: str) -> subprocess.CompletedProcess[str]:
    _need_compose()
    command = ["docker", "compose", "--env-file", "/dev/null", "--profile", "*", "-f", str(ROOT / file), "config"]
    environment = {"PATH": os.environ["PATH"], **settings}
    return subprocess.run([*command, "--format", "json"], env=environment, capture_output=True, text=True, check=False)


def variables_read(file: str) -> set[str]:
    """Name the variables of .env that a Compose file reads."""
    return set(re.findall(r"\$\{([A-Z][A-Z0-9_]*)", (ROOT / file).read_text(encoding="utf-8")))


def example_settings() -> dict[str, str]:
    """Return every setting of .env.example, also those that are commented out, with the value shown."""
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    found = [re.fullmatch(r"#?([A-Z][A-Z0-9_]*)=(.*)", line) for line in lines]
    return {match[1]: match[2] for match in found if match}


@functools.cache
def repository_files() -> tuple[Path, ...]:
    """Return every text file that is, or is about to be, in the repository."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return tuple(ROOT / name for name in listed if (ROOT / name).is_file())


def documents() -> list[Path]:
    """Return what users and contributors read: README, docs/ and the other pages at the top."""
    return [path for path in repository_files() if path.suffix == ".md" and _is_a_document(path.relative_to(ROOT))]


def _is_a_document(name: Path) -> bool:
    return name.parts[0] in {"docs", ".github"} or len(name.parts) == 1


def _need_compose() -> None:
    try:
        found = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        found = False
    if not found and os.environ.get("REQUIRE_DOCKER") == "1":
        pytest.fail("REQUIRE_DOCKER=1, but Docker Compose is not there")
    if not found:
        pytest.skip("Docker Compose is not there")
