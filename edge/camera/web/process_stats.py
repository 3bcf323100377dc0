"""What this process costs the host."""

import os
import resource
import sys
import threading
import time
from collections import deque
from pathlib import Path

SPAN_SECONDS = 10.0
LEAST_SECONDS = 0.5


class Load:
    """CPU over the last seconds, and memory. Safe to use from several threads."""

    def __init__(self) -> None:
        """Counts from now on."""
        self._samples = deque([(time.monotonic(), time.process_time())])
        self._guard = threading.Lock()

    def cpu_percent(self) -> float:
        """Of one core; may exceed 100 with several cameras."""
        with self._guard:
            now, used = time.monotonic(), time.process_time()
            if now - self._samples[-1][0] >= LEAST_SECONDS:
                self._samples.append((now, used))
            while len(self._samples) > 2 and self._samples[1][0] < now - SPAN_SECONDS:  # noqa: PLR2004 (one to keep)
                self._samples.popleft()
            began, used_then = self._samples[0]
            return round(100 * (used - used_then) / max(now - began, LEAST_SECONDS), 1)


def memory_mb() -> float:
    """Resident now; the most so far where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return round(most / (1e6 if sys.platform == "darwin" else 1e3), 1)
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)
