"""What stands around a value that would be right without it: comments, quotes, marks, its own name."""

from __future__ import annotations

import re
from typing import Callable, Iterator, Tuple

OTHER_QUOTES = "\"'`“”„‘’‚«»"  # noqa: RUF001 (these are what is looked for)
COMMENT = re.compile(r"(?s)(.*?)(\s*(?:#|//|<!--)|\s+(?:;|--)(?=\s)).*")
Slip = Tuple[str, str]


def slip(name: str, value: str, is_right: Callable[[str], bool]) -> str | None:
    """What is wrong, and the fix, if the value is right but for what was typed around it."""
    return next((said for bare, said in _without(name, value) if bare and bare != value and is_right(bare)), None)


def _without(name: str, value: str) -> Iterator[Slip]:
    stripped = value.strip()
    yield stripped, "has a space at its beginning or end; remove it"
    comment = COMMENT.fullmatch(stripped)
    if comment:
        mark = comment[2].strip()
        fix = "put a space before the #" if mark == "#" else f"remove {mark} and what follows"
        yield comment[1].strip(), f"has a comment behind it; {fix}"
    yield stripped.strip(OTHER_QUOTES), "has quotes of its own inside; write it without quotes"
    yield stripped.rstrip(",;"), f"has {stripped[-1:]} at its end; remove it"
    if stripped.startswith(f"{name}="):
        yield stripped[len(name) + 1 :].strip(OTHER_QUOTES), "has its own name in it again; write the name once"
    if stripped[:1] + stripped[-1:] in {"<>", "{}", "[]", "()"}:
        yield stripped[1:-1], f"has {stripped[0]} and {stripped[-1]} around it; remove them"
