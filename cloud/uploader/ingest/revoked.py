"""Which edges were revoked: what waits of them is dropped unread."""

import logging
from collections import Counter
from pathlib import Path

from common.contract.certificate_expiry import CertificateExpiry
from common.runtime.files import WatchedFile

log = logging.getLogger(__name__)


class RevokedEdges:
    """Follows the file that enrolment writes; without one nobody is revoked."""

    def __init__(self, file: Path) -> None:
        self._names = WatchedFile(file, lambda file: CertificateExpiry.read(file).revoked)
        self._dropped: Counter[str] = Counter()

    def __contains__(self, edge: str) -> bool:
        """Tell whether an edge is revoked; follows the file within a moment."""
        return edge in self._names.content

    def count_dropped(self, edge: str) -> None:
        """Say that a message was dropped: the 1st, 2nd, 4th, 8th ..."""
        self._dropped[edge] += 1
        if self._dropped[edge] & (self._dropped[edge] - 1) == 0:
            log.warning("Dropped waiting messages from %s, which is revoked: %d so far", edge, self._dropped[edge])
