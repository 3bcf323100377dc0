"""How much CPU and memory this process uses."""

import os
import resource
import sys
import threading
import time
from collections import deque
from pathlib import Path

WINDOW_SECONDS = 10.0
MIN_INTERVAL_SECONDS = 0.5


class CpuUsage:
    """CPU use over the last seconds. Safe to use from several threads."""

    def __init__(self) -> None:
        """Measure from now on."""
        self._samples = deque([(time.monotonic(), time.process_time())])
        self._lock = threading.Lock()

    def percent(self) -> float:
        """Percent of one core; may exceed 100 with several cameras."""
        with self._lock:
            now, used = time.monotonic(), time.process_time()
            if now - self._samples[-1][0] >= MIN_INTERVAL_SECONDS:
                self._samples.append((now, used))
            while len(self._samples) > 2 and self._samples[1][0] < now - WINDOW_SECONDS:  # noqa: PLR2004 (keep one)
                self._samples.popleft()
            began, used_then = self._samples[0]
            return round(100 * (used - used_then) / max(now - began, MIN_INTERVAL_SECONDS), 1)


def memory_mb() -> float:
    """Resident memory in MB of a million bytes; where the system does not report it, the maximum so far."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        maximum = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return round(maximum / (1e6 if sys.platform == "darwin" else 1e3), 1)
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)
