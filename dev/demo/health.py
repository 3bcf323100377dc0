"""What Docker's health checks printed: tells a broken container from a busy machine. Standard library only."""

import json
import subprocess
from collections.abc import Iterable

TIMED_OUT = "Health check exceeded timeout"  # Docker's own words


def problems(containers: Iterable[str]) -> list[str]:
    """Return what the health checks of unhealthy containers printed last."""
    command = ["docker", "inspect", "--format", "{{json .State.Health}}", *containers]
    states = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    failing = [health for health in map(json.loads, states) if health and health["Status"] == "unhealthy"]
    return [" ".join(health["Log"][-1]["Output"].split()) for health in failing if health["Log"]]


def is_only_slow(error: str, found: Iterable[str]) -> bool:
    """Return whether a start failed just because health checks took too long: the next ones may pass."""
    return "is unhealthy" in error and all(problem.startswith(TIMED_OUT) for problem in found)
