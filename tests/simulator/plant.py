"""Bugs as patches: each is planted in a copy of the product, and the simulator looks for it there."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.paths import ROOT

PLANTED = Path(__file__).with_name("planted")
PROGRAM = """
import json, sys
from tests.simulator.mishaps import simulate
for seed in range(*map(int, sys.argv[1:3])):
    if findings := simulate(seed).findings:
        print(json.dumps([seed, findings[0].splitlines()[0]]))
        break
"""


class PlantError(Exception):
    """A patch no longer fits the code: make it again for the code as it is now."""


def names_of_planted() -> list[str]:
    return sorted(patch.stem for patch in PLANTED.glob("*.patch"))


def plant(name: str, folder: Path) -> None:
    """Copy the product into the folder, with this bug in it."""
    copy_product(folder)
    apply(name, folder)


def copy_product(folder: Path) -> None:
    for package in ("edge/camera", "cloud", "common"):
        shutil.copytree(
            ROOT / package, folder / package, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "static")
        )
    (folder / "tests").symlink_to(ROOT / "tests")


def apply(name: str, folder: Path, *options: str) -> None:
    """Put a bug into a copy of the product; raises PlantError."""
    command = ["git", "apply", "-C1", *options, str(PLANTED / f"{name}.patch")]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PlantError(f"{name}: {done.stderr}")


def find(folder: Path, first: int, last: int) -> tuple[int, str] | None:
    """Return the first seed of the range that finds something in the copy, and what it found."""
    path = os.pathsep.join(str(folder / part) for part in ("edge", "cloud", "."))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(first), str(last)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    if not done.stdout:
        return None
    seed, finding = json.loads(done.stdout)
    return int(seed), str(finding)
