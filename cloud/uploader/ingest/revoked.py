"""Which edges were revoked: what waits of them is dropped unread."""

import logging
import os
from collections import Counter
from pathlib import Path

from common.contract.certificate_expiry import CertificateExpiry

log = logging.getLogger(__name__)


class RevokedEdges:
    """Follows the file that enrolment writes; without one nobody is revoked."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._name = os.fspath(file)  # asked for each message: a path takes ten times as long
        self._version: tuple[int, int] | None = None
        self._names: frozenset[str] = frozenset()
        self._dropped: Counter[str] = Counter()

    def __contains__(self, edge: str) -> bool:
        """Tell whether an edge is revoked now; reads the file again when it was replaced."""
        try:
            status = os.stat(self._name)  # noqa: PTH116 (see above)
        except OSError:
            return False
        version = status.st_ino, status.st_mtime_ns
        if version != self._version:
            self._names, self._version = CertificateExpiry.read(self._file).revoked, version
        return edge in self._names

    def count_dropped(self, edge: str) -> None:
        """Say that a message was dropped: the 1st, 2nd, 4th, 8th ..."""
        self._dropped[edge] += 1
        if self._dropped[edge] & (self._dropped[edge] - 1) == 0:
            log.warning("Dropped waiting messages from %s, which is revoked: %d so far", edge, self._dropped[edge])
