"""Where messages go: NOTIFY_URLS. An address may hold a password, so its number is said and not the address."""

from __future__ import annotations

import difflib
import re
from typing import Sequence

SEPARATOR = re.compile(r"[\s,]+")
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+]*)://(.*)")
EXAMPLE = "ntfy://ntfy.sh/a-topic-of-yours"


def problem(value: str, services: Sequence[str]) -> str | None:
    """What is wrong with the addresses, if each must begin with a service that is known."""
    first, *others = filter(None, SEPARATOR.split(value))
    if "://" not in value and "@" in value:
        return "has a mail address alone; write mailto://USER:PASSWORD@HOST"
    if not SCHEME.match(first):
        return f"has no service:// at its beginning; write each address as {EXAMPLE}"
    for number, address in enumerate((first, *others), 1):
        found = SCHEME.match(address)
        if found is None:
            if re.match(r"[A-Za-z0-9+]+(:/?|/{1,2})[A-Za-z0-9]", address):
                return f"has no :// in its address {number}; write each address as {EXAMPLE}"
            continue  # an address may have several recipients, with commas
        if not found[2]:
            return f"has nothing behind :// in its address {number}; write each address as {EXAMPLE}"
        if found[1].lower() in {"http", "https"}:
            return (
                f"has a web address; write a webhook as json{found[1].lower()[4:]}://HOST/PATH, else its service's own"
            )
        if found[1].lower() not in services:
            close = difflib.get_close_matches(found[1].lower(), services, n=1)
            if close:
                return f"has the unknown service {found[1]}://; did you mean {close[0]}://?"
            return f"has the unknown service {found[1]}://; docs/how-to/notifications.md names those that are known"
    return None
