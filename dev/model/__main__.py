"""Checks the model: whole, then once without each rule. `python -m dev.model --small` takes fewer faults."""

import os
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from dev.model.checker import SMALL, WHOLE, Checker, ModelError, Verdict, missing_program
from dev.model.rules import EVERYWHERE, REMOVALS, Property, Removal, Surroundings


@dataclass(frozen=True, slots=True)
class Check:
    """One run of the checker, and what is expected of it."""

    where: Surroundings
    claim: Property
    faults: int
    removal: Removal | None = None

    def run(self, checker: Checker) -> Verdict:
        rule = self.removal.rule if self.removal else ""
        return checker.check(self.where.switches, self.claim, self.faults, rule)

    @property
    def expects_to_hold(self) -> bool:
        return self.removal is None or not self.removal.breaks

    @property
    def title(self) -> str:
        rule = f"without {self.removal.rule}, " if self.removal else ""
        return f"{self.claim:7} {rule}{self.where.name}, {self.faults} faults"


def checks(*, small: bool) -> Iterator[Check]:
    """All that `make model` checks, or what the tests check."""
    for where in EVERYWHERE:
        for claim, faults in zip(Property, where.small if small else where.whole, strict=True):
            yield Check(where, claim, faults)
    for removal in REMOVALS:
        if small and removal.spared_by:
            continue  # no counterexample to end them: these take longest
        yield Check(removal.where, removal.claim, removal.faults, removal)


def describe(check: Check, verdict: Verdict) -> str:
    """One line about a run."""
    found = "holds" if verdict.holds else "counterexample"
    spared = f" ({check.removal.spared_by})" if check.removal and check.removal.spared_by else ""
    surprise = "" if verdict.holds == check.expects_to_hold else "  UNEXPECTED"
    return f"{found:14} {check.title}: {verdict.states} states{spared}{surprise}"


def main() -> int:
    program = missing_program()
    if program:
        print(f"model: there is no {program}: apt-get install spin gcc", file=sys.stderr)
        return 1
    began, is_right, is_small = monotonic(), True, "--small" in sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        checker = Checker(Path(folder), SMALL if is_small else WHOLE)
        planned = list(checks(small=is_small))
        for check, verdict in zip(planned, pool.map(lambda check: check.run(checker), planned), strict=True):
            is_right &= verdict.holds == check.expects_to_hold
            print(describe(check, verdict), flush=True)
    print(f"{len(planned)} checks in {monotonic() - began:.0f} s")
    return 0 if is_right else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ModelError as error:
        sys.exit(f"model: {error}")
