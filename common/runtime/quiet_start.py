"""Ctrl-C and SIGTERM end a program without a trace, also while its libraries are still being loaded."""

import os
import signal
import sys
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def install() -> None:
    """Call this first in a package: `python -m PACKAGE` imports the package before the program's own imports."""
    if sys.argv[:1] == ["-m"]:  # only while Python looks for the program to run
        for number in SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, _end)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)  # whoever started us may have held them back


def uninstall() -> None:
    """Let the program itself decide, now that it runs."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGTERM) is _end:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _end(number: int, _frame: FrameType | None) -> None:
    """End without cleaning up: nothing has begun. A handler, since the first process of a container has no default."""
    os._exit(128 + number)
