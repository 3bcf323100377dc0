"""S3_KEY_TEMPLATE: where a capture goes."""

from __future__ import annotations

import difflib
import re
import string
from datetime import datetime

from cli.settings.dotenv.env_file import EnvFile

FIELDS = ("edge", "camera", "captured_at", "id")


def problem(value: str, _env: EnvFile) -> str | None:
    try:
        parts = list(string.Formatter().parse(value))
    except ValueError:
        mark, fields = ("{", "}"), "{edge}, {camera}, {captured_at:%Y}"
        return f"has a {mark[0]} or {mark[1]} too many; write each field as {fields} or {{id}}"
    for text, field, spec, conversion in parts:
        outside = re.search("%[A-Za-z]", text)
        if outside:
            return f"has {outside[0]} outside of braces; write {{captured_at:{outside[0]}}}"
        if field is None:
            continue
        if field not in FIELDS:
            close = difflib.get_close_matches(field, FIELDS, n=1)
            said = f"has {{{field}}}; there are {{edge}}, {{camera}}, {{captured_at:...}} and {{id}}"
            return said + f", did you mean {{{close[0]}}}?" if close else said
        if conversion or (spec and (field != "captured_at" or "{" in spec)):
            return f"gives {{{field}}} a format; only {{captured_at:...}} takes one"
    return _of_keys(value)


def _of_keys(value: str) -> str | None:
    """Try the template on two captures at different times."""
    keys = [
        value.format(edge="e" * 63, camera="c" * 63, captured_at=at, id=f"{at:%Y%m%dT%H%M%S}.000Z-9f2c01ab")
        for at in (datetime(2026, 9, 30, 23, 59, 59), datetime(2031, 1, 5, 4, 3, 2))  # noqa: DTZ001 (of nowhere)
    ]
    if any(part in {"", ".", ".."} for part in keys[0].split("/")):
        return "must give a key without / at its beginning or end, // and .."
    if not keys[0].isprintable() or len(keys[0].encode()) > 990:  # noqa: PLR2004
        return "must give keys of printable characters, fewer than 1000"
    if keys[0].startswith(("rejected/", ".usbcam-")):
        return "must not begin with rejected/ or .usbcam-, where no captures are looked for"
    if keys[0] == keys[1]:
        return "must have {id} or a time such as {captured_at:%Y%m%d-%H%M%S}"
    return None
