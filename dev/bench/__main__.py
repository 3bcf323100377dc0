"""Runs the benches that were named, or all: `dev/bench/run [NAME...]`."""

import importlib
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

from dev.bench.figures import machine, report
from dev.bench.figures.measure import FAILURES, QUICK, reason

NAMES = ("uploader", "bridge", "endtoend", "camera", "quality", "growth", "gallery", "tampering", "soak")


def main() -> int:
    names = sys.argv[1:] or NAMES
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"bench: there is no bench {unknown[0]}; there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    try:
        return max([_run(name) for name in names])
    except KeyboardInterrupt:
        print("bench: stopped", file=sys.stderr)
        return 130


def find(name: str) -> Callable[[Path], report.Report]:
    """Return what runs the bench of this name in a folder."""
    run: Callable[[Path], report.Report] = importlib.import_module(f"dev.bench.workloads.{name}").run
    return run


def _run(name: str) -> int:
    """Run one; what fails is said, and does not keep the next from being run."""
    print(f"{name} ...", flush=True)
    measured = machine.measured(("QUICK=1 " if QUICK else "") + f"dev/bench/run {name}")
    with tempfile.TemporaryDirectory(prefix=f"usbcam-bench-{name}-") as folder:
        try:
            result = find(name)(Path(folder))
        except FAILURES as error:
            print(f"bench: {name} failed: {reason(error)}", file=sys.stderr)
            return 1
        except Exception:  # noqa: BLE001 (a mistake in the bench: all is said, and the next one is run)
            traceback.print_exc()
            print(f"bench: {name} failed", file=sys.stderr)
            return 1
    if not QUICK:
        report.write(result, measured)
    print(f"\n## {name}: {result.title}\n\n{result}\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
