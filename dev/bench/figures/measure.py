"""Runs that alternate, their medians and ratios, and what processes cost."""

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dev.harness.process import StartError

QUICK = bool(os.environ.get("QUICK"))
RUNS = 2 if QUICK else 5
TICKS = os.sysconf("SC_CLK_TCK")
CHILD_TICKS = slice(13, 15)  # cutime, cstime, after the command's name
CPU_CLOCK = 2  # of a process: CPUCLOCK_SCHED, as clock_getcpuclockid(3) puts it together with the process's number
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
LONGEST_REASON = 300  # characters of why something was left out
FAILURES = (StartError, OSError, subprocess.SubprocessError)  # of what was measured; TimeoutError is an OSError

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
    left_out: Mapping[str, str] = field(default_factory=dict)  # why, by contender

    def figure(self, contender: str, name: str) -> Figure:
        return Figure(tuple(sample[name] for sample in self.samples[contender]))

    def ratio(self, contender: str, base: str, name: str) -> Figure:
        """Compare within each pair: what disturbs the machine disturbs both."""
        pairs = zip(self.samples[contender], self.samples[base], strict=True)
        return Figure(tuple(ours[name] / theirs[name] for ours, theirs in pairs))


def paired(contenders: Mapping[str, Callable[[], Sample]], runs: int = RUNS, *, peers: Collection[str] = ()) -> Series:
    """Run A, B, A, B, ...: the same number of runs each, in one go. A peer that fails is left out."""
    samples: dict[str, list[Sample]] = {name: [] for name in contenders}
    left_out: dict[str, str] = {}
    for run in range(runs):
        for name in [each for each in contenders if each in samples]:
            try:
                samples[name].append(contenders[name]())
            except FAILURES as error:
                if name not in peers:
                    raise
                del samples[name]
                left_out[name] = reason(error)
                print(f"  {run + 1}/{runs} {name} is left out: {left_out[name]}", flush=True)
            else:
                shown = ", ".join(f"{key} {number(value)}" for key, value in samples[name][-1].items())
                print(f"  {run + 1}/{runs} {name}: {shown}", flush=True)
    return Series(samples, left_out)


def reason(error: Exception) -> str:
    """Say in one line what failed."""
    return " ".join(str(error).split())[:LONGEST_REASON] or type(error).__name__


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
    return sum(_own_cpu_seconds(each) + _ended_children_ticks(each) / TICKS for each in _tree(pid))


def memory_mb(pid: int) -> float:
    """Resident memory of a process and all it has started."""
    return sum(_resident_pages(each) for each in _tree(pid)) * PAGE_BYTES / 1e6


def descriptors(pid: int) -> int:
    """How many file descriptors a process and all it has started have open."""
    return sum(len(_entries(each, "fd")) for each in _tree(pid))


def threads(pid: int) -> int:
    """How many threads a process and all it has started have."""
    return sum(len(_entries(each, "task")) for each in _tree(pid))


def wake_ups(pid: int) -> int:
    """How often their threads have waited for something and got it, up to now."""
    return sum(_voluntary_switches(task) for each in _tree(pid) for task in _entries(each, "task"))


def disk_mb(folder: Path) -> float:
    """What the files of a folder and of those in it take on the disk."""
    return sum(_blocks(Path(parent, name)) for parent, _, names in os.walk(folder) for name in names) * 512 / 1e6


def _entries(pid: int, kind: str) -> list[Path]:
    try:
        return list(Path(f"/proc/{pid}/{kind}").iterdir())
    except OSError:  # it has ended meanwhile
        return []


def _voluntary_switches(task: Path) -> int:
    try:
        status = (task / "status").read_text(encoding="ascii", errors="replace")
    except OSError:  # the thread has ended
        return 0
    return int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])


def _blocks(file: Path) -> int:
    try:
        return file.stat().st_blocks
    except OSError:  # it was there a moment ago
        return 0


def _tree(pid: int) -> list[int]:
    family = [pid]
    for parent in family:
        try:
            for thread in Path(f"/proc/{parent}/task").iterdir():
                family += [int(child) for child in (thread / "children").read_text().split()]
        except OSError:  # it has ended meanwhile
            continue
    return family


def _own_cpu_seconds(pid: int) -> float:
    """To the nanosecond, where /proc has ticks of ten milliseconds."""
    try:
        return time.clock_gettime(~pid << 3 | CPU_CLOCK)
    except OSError:
        return 0.0


def _ended_children_ticks(pid: int) -> int:
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
