"""Runs histories: `python -m tests.simulator FIRST LAST` on all cores; one seed prints its trace."""

import gc
import hashlib
import multiprocessing
import os
import sys
from collections import Counter
from time import monotonic

from tests.simulator.mishaps import simulate

PROGRESS = 500


def run(seed: int) -> tuple[int, str, list[str], Counter[str]]:
    history = simulate(seed)
    return seed, history.trace_hash, history.findings, history.counts


def run_many(seeds: range) -> int:
    """Return how many histories broke the promise."""
    began, broken, counts, hashes = monotonic(), 0, Counter[str](), hashlib.sha256()
    with multiprocessing.Pool(os.cpu_count(), initializer=gc.freeze, maxtasksperchild=100) as pool:
        for number, (seed, trace_hash, findings, counted) in enumerate(pool.imap(run, seeds, chunksize=10), 1):
            counts += counted
            hashes.update(trace_hash.encode())
            if findings:
                broken += 1
                print(f"seed {seed} ({trace_hash}): {len(findings)} findings, first {findings[0]}", flush=True)
            if number % PROGRESS == 0:
                print(f"{number} histories, {broken} broken, {monotonic() - began:.0f} s", flush=True)
    seconds = monotonic() - began
    each = ", ".join(f"{count / max(1, len(seeds)):.1f} {what}" for what, count in sorted(counts.items()))
    print(f"{len(seeds)} histories of a week, {broken} broken, {seconds:.0f} s; a week has {each}")
    print(f"traces: {hashes.hexdigest()[:16]}")
    return broken


def main() -> int:
    words = sys.argv[1:]
    if len(words) > 2 or not all(word.isdecimal() for word in words):
        print(f"simulate: {' '.join(words)} is not one seed, or the first and the end of several", file=sys.stderr)
        return 2
    numbers = [int(word) for word in words] or [0, 10_000]
    if len(numbers) > 1:
        return 1 if run_many(range(*numbers)) else 0
    history = simulate(numbers[0], keep_trace=True)
    print(*history.lines or (), *history.findings, history.trace_hash, sep="\n")
    return 1 if history.findings else 0


if __name__ == "__main__":
    sys.exit(main())
