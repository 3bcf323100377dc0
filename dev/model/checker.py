"""Builds the model's checker with Spin and a C compiler, and runs it."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dev.model.rules import Property

MODEL = Path(__file__).with_name("delivery.pml")
PROGRAMS = ("spin", "gcc")
MAX_DEPTH = 300_000  # steps of one run; beyond it the checker gives up, and says so
MAX_MEGABYTES = 3000
BUILD = ("-w", "-DNFAIR=4", f"-DMEMLIM={MAX_MEGABYTES}")  # NFAIR=4: fairness for up to 14 processes
RULE = re.compile(r"#define ([A-Z_]+) (\d+)$", re.MULTILINE)


class ModelError(Exception):
    """The model could not be checked."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How a checker is built, and how many states it expects."""

    build: tuple[str, ...]
    slots: int  # of its table of states: two to the power of this, cleared at each run's start


WHOLE = Effort(("-O1", "-DCOLLAPSE"), 24)  # millions of states; building with -O2 takes longer than it saves
SMALL = Effort(("-Og",), 18)  # hundreds of thousands at most, which fit into memory as they are


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one run of the checker found."""

    holds: bool
    states: int
    trail: Path  # the way to the counterexample, if there is one


def missing_program() -> str | None:
    return next((program for program in PROGRAMS if shutil.which(program) is None), None)


def rule_numbers() -> dict[str, int]:
    """The rules that the model can leave out."""
    return {name: int(number) for name, number in RULE.findall(MODEL.read_text())}


class Checker:
    """One built checker; each run has a folder of its own for its trail."""

    def __init__(self, folder: Path, effort: Effort = WHOLE) -> None:
        self._folder, self._slots = folder, effort.slots
        self._program = folder / "pan"
        _run(["spin", "-a", str(MODEL)], folder)
        _run(["gcc", *effort.build, *BUILD, "-o", str(self._program), "pan.c"], folder)
        self._rules = rule_numbers()

    def check(self, switches: Mapping[str, int], claim: Property, faults: int, without: str = "") -> Verdict:
        """Visit every state, until the claim is broken."""
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        environment = {name: str(value) for name, value in switches.items()}
        environment |= {"budget": str(faults), "removed": str(self._rules[without] if without else 0)}
        fair = ("-f",) if claim is Property.SETTLES else ()
        output = _run(
            [str(self._program), "-a", *fair, "-N", claim, f"-m{MAX_DEPTH}", f"-w{self._slots}"], folder, environment
        )
        errors, states = re.search(r"errors: (\d+)", output), re.search(r"(\d+) states, stored", output)
        if errors is None or (errors[1] == "0" and "max search depth" in output):
            raise ModelError(f"the check did not end: {output[-500:]}")
        return Verdict(errors[1] == "0", int(states[1]) if states else 0, folder / "delivery.pml.trail")

    def explain(self, verdict: Verdict, switches: Mapping[str, int]) -> str:
        """Replay a counterexample."""
        environment = {name: str(value) for name, value in switches.items()}
        return _run([str(self._program), "-r", str(verdict.trail)], verdict.trail.parent, environment)


def _run(command: list[str], folder: Path, environment: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        command, cwd=folder, env=os.environ | dict(environment or {}), capture_output=True, text=True, check=False
    )
    if done.returncode and "errors:" not in done.stdout:
        raise ModelError(f"{command[0]} failed: {(done.stderr or done.stdout)[-500:]}")
    return done.stdout
