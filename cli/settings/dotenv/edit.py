"""Changes .env: a setting's line in its place, all else as it was."""

import os
import re
from pathlib import Path

from cli.settings.names import EXAMPLE

SAFE = re.compile(r"[\w@%+=:,./{}~-]*")
OWNER_ONLY = 0o600


def quoted(value: str) -> str:
    """A value as .env needs it: in single quotes if anything in it could be understood in another way."""
    if SAFE.fullmatch(value):
        return value
    return "'" + value.replace("'", "\\'") + "'"


def make(file: Path) -> None:
    """Write a .env from .env.example, if there is none; only its owner may read it."""
    if not file.exists():
        _write(file, EXAMPLE.read_text(encoding="utf-8"))


def put(file: Path, name: str, value: str) -> None:
    """Set one setting: in its line, or in the commented one, or in a new one at the end."""
    text = file.read_text(encoding="utf-8")
    line = f"{name}={quoted(value)}"
    for pattern in (rf"^{name}=.*$", rf"^#{name}=.*$"):
        changed, number = re.subn(pattern, lambda _: line, text, count=1, flags=re.MULTILINE)
        if number:
            break
    else:
        changed = f"{text}{'' if text.endswith(chr(10)) or not text else chr(10)}{line}\n"
    if changed != text:
        _write(file, changed)


def _write(file: Path, text: str) -> None:
    """Replace the file as a whole, so that a stop in between leaves the old one."""
    part = file.with_name(f"{file.name}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY)
    with os.fdopen(handle, "w", encoding="utf-8") as opened:
        opened.write(text)
    if file.exists():
        status = file.stat()
        part.chmod(status.st_mode & 0o777)
        if os.geteuid() == 0:
            os.chown(part, status.st_uid, status.st_gid)
    part.replace(file)
