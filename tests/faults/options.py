"""How long, with which seed, how often: FAULTS=10m (or 90s), SEED=7, SEEDS=20."""

import os
import random
import re

SHORT_SECONDS = 30.0
USUAL_SEED = 1


def seconds_of_faults() -> float:
    """Read FAULTS: how long things break."""
    text = os.environ.get("FAULTS", "")
    if not text:
        return SHORT_SECONDS
    found = re.fullmatch(r"(\d+)([smh])", text)
    assert found, f"FAULTS={text} is no length of time; set for example FAULTS=10m"
    return float(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]


def seeds() -> list[int]:
    """Read SEED and SEEDS: which schedules are played. One is always the same; many without SEED are new ones."""
    many = int(os.environ.get("SEEDS") or 0)
    first = int(os.environ.get("SEED") or (random.randrange(1_000_000) if many else USUAL_SEED))
    return [first + number for number in range(max(1, many))]
