"""Paths of this host, and the token."""

from __future__ import annotations

import base64
import binascii
import os
import re
import stat
import time
import zlib

from cli.settings.dotenv.env_file import EnvFile
from cli.settings.names import EXAMPLE
from cli.settings.rules.hosts import Rule, in_containers

ROOT = EXAMPLE.parent
FIRST_LINE = b"usbcam-edge 1"
GZIP = 31  # zlib's word for a gzip header
DAMAGED = "is damaged or cut off; paste the whole line again, or make a new one: ./usbcam renew NAME on the cloud host"
MAX_TOKEN_BYTES = 100_000
PATHS = ("EDGE_TOKEN_FILE", "LIVE_PASSWORD_FILE", "GALLERY_PASSWORD_FILE", "AWS_CREDENTIALS_FILE", "CAMERA_FILES")
WINDOWS_PATH = re.compile(r"[A-Za-z]:[\\/]|\\\\")


def token_fields(value: str) -> dict[str, str] | None:
    """Name, host, port and end of a token; None if it is damaged."""
    text = "".join(value.replace("EDGE_TOKEN=", "", 1).split())
    try:
        lines = zlib.decompressobj(GZIP).decompress(base64.b64decode(text, validate=True), MAX_TOKEN_BYTES).split(b"\n")
        zlib.decompress(base64.b64decode(text), GZIP)  # all of it, with its checksum
    except (binascii.Error, ValueError, zlib.error):
        return None
    if lines[0] != FIRST_LINE:
        return None
    fields = (line.decode("ascii", "replace").partition("=") for line in lines[1:8] if b"=" in line)
    return {name: value for name, _, value in fields}


def token(value: str, env: EnvFile) -> str | None:
    fields = token_fields(value)
    if fields is None and value.startswith(("/", "./", "../", "~/")):
        return "is a path; give it as EDGE_TOKEN_FILE, or paste the line that ./usbcam enroll NAME prints"
    if fields is None or not fields.get("expires", "").isdecimal():
        return DAMAGED
    name = fields.get("name", "NAME")
    if int(fields["expires"]) < time.time():
        return f"has expired; make a new one: ./usbcam renew {name} on the cloud host"
    if env.get("EDGE_NAME") not in {"", name}:
        return f"is for {name}, and EDGE_NAME is {env.get('EDGE_NAME')}; remove EDGE_NAME, or enroll that name"
    return _not_twice("EDGE_TOKEN", env)


def secret_file(uid: int) -> Rule:
    def check(value: str, _env: EnvFile) -> str | None:
        found = _path(value)
        if found:
            return found if value.startswith("~") else found + "; a secret itself goes into the setting without _FILE"
        path = ROOT / value
        try:
            status = path.stat()
        except OSError as error:
            return f"cannot be read ({error.strerror}); fix the path, or remove the line"
        if stat.S_ISDIR(status.st_mode):
            return "is a folder; write the path of a file"
        if status.st_size == 0:
            return "is an empty file; write the secret into it"
        readable = status.st_mode & (stat.S_IROTH | (stat.S_IRUSR if status.st_uid == uid else 0))
        if not readable and in_containers():
            return f"cannot be read by uid {uid}; run: sudo chown {uid} {value}"
        return None

    return check


def folder(value: str, _env: EnvFile) -> str | None:
    found = _path(value)
    if found:
        return (
            f"must be a path that starts with / or ./; write ./{value}" if re.fullmatch(r"[\w./-]+", value) else found
        )
    path = ROOT / value
    if not path.exists():
        return "is no folder of this host; make it, or fix the path"
    return None if path.is_dir() else f"is a file; write its folder, {path.parent}"


def _path(value: str) -> str | None:
    if value.startswith("~"):
        return f"begins with ~; write {os.path.expanduser(value)}"  # noqa: PTH111 (a text, not a path)
    if value.startswith(("/", "./", "../")):
        return None
    if WINDOWS_PATH.match(value):
        return "is a path of Windows; write one of this host, which starts with / or ./"
    return "must be a path that starts with / or ./"


def group(value: str, _env: EnvFile) -> str | None:
    return None if value.isdecimal() else "must be a number; stat --format %g /dev/video0 prints it"


def _not_twice(name: str, env: EnvFile) -> str | None:
    return f"is set, and {name}_FILE, too; remove one of them" if env.get(f"{name}_FILE") else None


def not_twice(name: str) -> Rule:
    return lambda _value, env: _not_twice(name, env)


def keys_file(value: str, env: EnvFile) -> str | None:
    if env.get("AWS_ACCESS_KEY_ID"):
        return "is set, and AWS_ACCESS_KEY_ID, too; remove one of them"
    return secret_file(1001)(value, env)


RULES: dict[str, Rule] = {
    "EDGE_TOKEN": token,
    "EDGE_TOKEN_FILE": secret_file(1883),
    "LIVE_PASSWORD": not_twice("LIVE_PASSWORD"),
    "LIVE_PASSWORD_FILE": secret_file(1000),
    "GALLERY_PASSWORD": not_twice("GALLERY_PASSWORD"),
    "GALLERY_PASSWORD_FILE": secret_file(1001),
    "AWS_CREDENTIALS_FILE": keys_file,
    "CAMERA_FILES": folder,
    "VIDEO_GID": group,
}
