"""What of a value may be shown. A password may stand anywhere in an address, so only what is known to be safe is."""

from __future__ import annotations

import re

MAX_SHOWN = 60
SOURCES = ("CAMERA_SOURCE", "CAMERAS", "CAMERA_SETTINGS")
PLAIN = re.compile(r"(?!.*:/)[\w .,:;/+*()\[\]{}%<>~!-]*")
PLAIN_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])?(?::\d{1,5})?/?")
STORE = re.compile(r"S3_\w+_URL|S3_BUCKET")
STORE_PATH = re.compile(r"[\w./-]*")  # a store's holds no login, a camera's does
# A camera's address without its :// or its scheme, which looks like a file.
MISTYPED_ADDRESS = re.compile(r"//|(?:^|[\s=])(?!serial:)(?:[A-Za-z][\w+.-]*[:;]|[\w-]+(?:\.[\w-]+)+(?::\d+)?/)")
KEY_ID = re.compile(r"[A-Z0-9]{16,128}")  # anything else may be the secret key
PATH = re.compile(r"(\.{0,2}|~)/.*")  # anything else may be the secret that belongs into the file
WORD = re.compile(r"[^\W_]{3,}")


def is_plain(name: str, value: str) -> bool:
    """Whether all of the value may be shown."""
    if name == "AWS_ACCESS_KEY_ID":
        return KEY_ID.fullmatch(value) is not None
    if name.endswith("_FILE") and not PATH.fullmatch(value):
        return False
    if name in SOURCES:
        return PLAIN.fullmatch(value) is not None and MISTYPED_ADDRESS.search(value) is None
    if PLAIN.fullmatch(value):
        return True
    found = PLAIN_ADDRESS.match(value)
    rest = value[found.end() :] if found else ":"
    return not rest or (STORE.fullmatch(name) is not None and STORE_PATH.fullmatch(rest) is not None)


def assignment(name: str, value: str) -> str:
    """The name, and the value where that may be shown and is short."""
    plain = "://" not in value and len(value) <= MAX_SHOWN and is_plain(name, value)
    return f"{name}={value}" if plain and value else name


def repeats(sentence: str, value: str) -> bool:
    """Whether a sentence has any word of the value in it."""
    said = sentence.lower()
    return any(word.lower() in said for word in WORD.findall(value))
