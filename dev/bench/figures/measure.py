"""Runs that alternate, their medians and ratios, and what processes cost."""

import os
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

QUICK = bool(os.environ.get("QUICK"))
RUNS = 2 if QUICK else 5
TICKS = os.sysconf("SC_CLK_TCK")
CHILD_TICKS = slice(11, 15)  # utime, stime, cutime, cstime, after the command's name
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

Sample = Mapping[str, float]  # what one run gave, by name


@dataclass(frozen=True, slots=True)
class Figure:
    """A median and how far the runs lie apart."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def __str__(self) -> str:
        """Write it as the tables do: `612 (590-640)`."""
        return f"{number(self.median)} ({number(min(self.values))}-{number(max(self.values))})"


@dataclass(frozen=True, slots=True)
class Series:
    """What several contenders gave, run by run; the runs of one number belong together."""

    samples: Mapping[str, list[Sample]]

    def figure(self, contender: str, name: str) -> Figure:
        return Figure(tuple(sample[name] for sample in self.samples[contender]))

    def ratio(self, contender: str, base: str, name: str) -> Figure:
        """Compare within each pair: what disturbs the machine disturbs both."""
        pairs = zip(self.samples[contender], self.samples[base], strict=True)
        return Figure(tuple(ours[name] / theirs[name] for ours, theirs in pairs))


def paired(contenders: Mapping[str, Callable[[], Sample]], runs: int = RUNS) -> Series:
    """Run A, B, A, B, ...: the same number of runs each, in one go."""
    samples: dict[str, list[Sample]] = {name: [] for name in contenders}
    for run in range(runs):
        for name, measure in contenders.items():
            samples[name].append(measure())
            shown = ", ".join(f"{key} {number(value)}" for key, value in samples[name][-1].items())
            print(f"  {run + 1}/{runs} {name}: {shown}", flush=True)
    return Series(samples)


def number(value: float) -> str:
    """Three digits that mean something."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def quantile(values: list[float], share: float) -> float:
    """The value below which that share of all values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def cpu_seconds(pid: int) -> float:
    """What a process and all it has started have cost up to now."""
    return sum(_cpu_ticks(each) for each in _tree(pid)) / TICKS


def memory_mb(pid: int) -> float:
    """Resident memory of a process and all it has started."""
    return sum(_resident_pages(each) for each in _tree(pid)) * PAGE_BYTES / 1e6


def _tree(pid: int) -> list[int]:
    family = [pid]
    for parent in family:
        try:
            for thread in Path(f"/proc/{parent}/task").iterdir():
                family += [int(child) for child in (thread / "children").read_text().split()]
        except OSError:  # it has ended meanwhile
            continue
    return family


def _cpu_ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(int(ticks) for ticks in fields[CHILD_TICKS])


def _resident_pages(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0
