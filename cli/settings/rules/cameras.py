"""What cameras look through: CAMERA_SOURCE, CAMERAS, CAMERA_SETTINGS, MASKS."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import AbstractSet, Callable, Optional

from cli.settings import spoken
from cli.settings.dotenv.env_file import EnvFile
from cli.settings.rules.files import ROOT
from cli.settings.rules.hosts import Rule, in_containers, is_address
from cli.settings.shown import is_plain

SCHEMES = ("rtsp", "rtsps", "http", "https", "rtmp", "rtmps", "tcp", "udp", "rtp", "srt")
USUAL_SCHEMES = ("rtsp", "rtsps", "http", "https", "rtmp")
AUTHORITY = re.compile(r"(?:[^/?#]*@)?([\w.-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?")
ENCODING = "encode user and password: # is %23, / is %2F, ? is %3F, @ is %40, : is %3A, % is %25"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
ADDRESS = re.compile(r"(\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?)(/.*)?")
ADDRESSES = re.compile("://|@")
ANY = ("usb", "webcam", "camera", "any", "first", "automatic", "yes", "on", "default", "none")
MARKS = {",": spoken.word("comma"), ";": spoken.word("semicolon"), "|": spoken.word("bar")}
PAGES = re.compile(
    r"(.+\.)?(youtube(-nocookie)?|youtu|twitch|vimeo|dailymotion|facebook|fb|instagram|tiktok|netflix|zoom|bilibili)"
    r"\.(com|be|tv|us|watch)|(drive|photos|meet|docs)\.google\.com|(.+\.)?(dropbox|icloud)\.com"
)
MIN_CORNERS, MAX_PORT = 3, 65535
SEVERAL = "names several devices; write CAMERAS=front=/dev/video0 porch=/dev/video2"
Check = Callable[[str, str, EnvFile], Optional[str]]


def source(value: str, env: EnvFile) -> str | None:
    if value in {"auto", "demo"} or value.isdecimal():
        return None
    if re.fullmatch(r"\d+([,;|\s]+\d+)+", value):
        return SEVERAL
    if "://" in value:
        return _url(value)
    if value.startswith("serial:"):
        if value.strip() == "serial:":
            return "has no serial number behind serial:; ./usbcam doctor lists them"
        return "has a space behind serial:; remove it" if value[7:8].isspace() else None
    if value.startswith("/dev/"):
        return _device(value)
    return _mistyped(value) or _file(value, env)


def single_source(value: str, env: EnvFile) -> str | None:
    if env.get("CAMERAS") and value != "auto":
        return "is set, and CAMERAS, too; remove one of them"
    return source(value, env)


def _url(value: str) -> str | None:
    scheme, _, rest = value.partition("://")
    if scheme.lower() not in SCHEMES:
        close = difflib.get_close_matches(scheme.lower(), USUAL_SCHEMES, n=1, cutoff=0.6)
        if scheme.lower() == "file":
            return "is a file; write /files/NAME, and its folder in CAMERA_FILES"
        if re.fullmatch(r"/*dev/video\d+", rest):
            return f"has a scheme before a device; write /dev/{rest.rsplit('/', maxsplit=1)[-1]}"
        if close:
            return f"has the scheme {scheme}://; write {close[0]}://"
        return "has a wrong scheme; write rtsp:// or http://"
    if re.match(r"[/?#]|\s|$", rest):
        return f"has no host behind {scheme}://; write {scheme}://HOST/PATH"
    authority = re.split(r"[/?#]", rest, maxsplit=1)
    if "@" in "".join(authority[1:]):
        return f"has an @ behind the first /, ? or #; {ENCODING}"
    found = AUTHORITY.fullmatch(authority[0])
    if found is None or not _can_be_looked_up(found[1]):
        return f"has a wrong host or port; {ENCODING}"
    if PAGES.fullmatch(found[1].lower()):
        return "is a web page and no stream; write the address of a camera's stream, such as rtsp://HOST/PATH"
    if re.fullmatch(r"[\d.]+", found[1]) and not is_address(found[1]):
        return "has a wrong address; it is four numbers from 0 to 255"
    if found[2] and not 0 < int(found[2]) <= MAX_PORT:
        return "has a wrong port; write one from 1 to 65535"
    return None


def _can_be_looked_up(host: str) -> bool:
    try:
        host.strip("[]").encode("idna")
    except UnicodeError:
        return False
    return True


def _device(value: str) -> str | None:
    if ":/dev/" in value:
        return f"is written as in a Compose file; write {value.split(':/dev/', maxsplit=1)[0]}"
    if re.search(r"[,;|&\s]", value):
        return SEVERAL
    if re.fullmatch(r"/dev/video|/dev/v4l/?|/dev/v4l/by-(id|path)/?", value):
        return "is no device; write /dev/video0, or a file in /dev/v4l/by-id"
    mistyped = re.fullmatch(r"/dev/([A-Za-z]+)[-_]?(\d+)", value)
    if mistyped and mistyped[1] != "video" and difflib.get_close_matches(mistyped[1].lower(), ["video"], n=1):
        return f"is no device; write /dev/video{mistyped[2]}"
    return None


def _mistyped(value: str) -> str | None:
    lower = value.lower()
    if lower in {"auto", "demo"}:
        return f"must be in small letters; write {lower}"
    if lower.startswith(("serial=", "serial ", "serial-")):
        return f"has a wrong mark behind serial; write serial:{value[7:]}"
    if re.fullmatch(r"/?(dev/)?video\d+", value):
        return f"is no device; write /dev/{value.rsplit('/', maxsplit=1)[-1]}"
    if value.startswith(("/DEV", "\\")):
        return "is no device; write /dev/video0"
    if re.match(r"(rtsps?|https?|rtmps?)[:;/]", lower):
        scheme = re.split("[:;/]", lower, maxsplit=1)[0]
        return f"has no :// behind {scheme}; write {scheme}://HOST/PATH"
    found = ADDRESS.fullmatch(value)
    if found:
        return f"has no scheme; write rtsp://{found[1]}" + ("/..." if found[2] else "")
    if re.fullmatch(r"-\d+", value):
        return "is a negative number; write 0 for /dev/video0, or auto"
    close = difflib.get_close_matches(lower, ("auto", "demo"), n=1, cutoff=0.6)
    if close or lower in ANY:
        return f"is no source; write {close[0] if close else 'auto'}"
    return None


def _file(value: str, env: EnvFile) -> str | None:
    if not in_containers():
        return None if (ROOT / value).is_file() else "is no file of this host; fix the path"
    if not is_plain("CAMERA_SOURCE", value):
        return f"is no source; an address begins with rtsp:// or http://; {ENCODING}"
    if not value.startswith("/files/"):
        if "/" not in value and "." not in value:
            return "is no source; write auto, /dev/video0, serial:..., rtsp://..., /files/NAME or demo"
        path = Path(value).expanduser()
        return f"is not seen in the container; write CAMERA_FILES={path.parent} and CAMERA_SOURCE=/files/{path.name}"
    folder = env.get("CAMERA_FILES")
    if not folder:
        return "needs CAMERA_FILES, the folder of this host that holds it; set that, too"
    if not (ROOT / folder / value[len("/files/") :]).is_file():
        return f"is not in CAMERA_FILES={folder}; copy the file there, or fix the name"
    return None


def cameras(value: str, env: EnvFile) -> str | None:
    digits = "" if "://" in value else r"|\d+$"  # in an address it may be of a query
    between = re.search(rf"([,;|])(?:\s|$|[\w-]+=(?:auto|demo|serial:|/|\w+://{digits}))", value)
    if between:
        return f"has a {MARKS[between[1]]} between two cameras; put a space there"
    if re.search(r"[^\s=]\s+=|=\s", value):
        return "has a space around =; write front=/dev/video0 without"
    seen: dict[str, str] = {}
    for number, word in enumerate(value.split(), 1):
        name, found, what = word.partition("=")
        shown = name if _is_name(name, what, value) else f"word {number}"
        if not found or not name or not what or ADDRESSES.search(name):
            return f"has {shown} without NAME=SOURCE; write front=/dev/video0 porch=rtsp://HOST/PATH"
        if not NAME.fullmatch(name):
            return f"has {shown}, whose name is wrong; write letters, digits, - and _ before ="
        if name in seen:
            return f"names {shown} twice; give each camera its own name"
        what = f"/dev/video{what}" if what.isdecimal() else what
        if what in seen.values() and what != "demo":
            return f"gives {shown} the source of another camera; give each its own"
        problem = source(what, env)
        if problem:
            return f"has {shown}, which {problem}"
        seen[name] = what
    devices = [
        what for what in seen.values() if "://" not in what and what != "demo" and not what.startswith("/files/")
    ]
    if "auto" in devices and len(devices) > 1:
        return "has auto among several devices; name each by /dev/... or serial:..., which ./usbcam doctor lists"
    return None


def _is_name(name: str, what: str, value: str) -> bool:
    """Whether it is surely a camera's name: where there is an address, a word may be a part of its password."""
    return NAME.fullmatch(name) is not None and ("://" in what or not ADDRESSES.search(value))


def _listed(names: list[str]) -> str:
    return f" {spoken.word('or')} ".join(f"{name}." for name in names)


def settings_problem(value: str, env: EnvFile, check: Check, allowed: AbstractSet[str]) -> str | None:
    """Judge CAMERA_SETTINGS; `check` judges a single setting, `allowed` are those that a camera may have."""
    words = [word.partition("=") for word in env.get("CAMERAS").split()]
    names = [name for name, _, what in words if _is_name(name, what, env.get("CAMERAS"))]
    names = names or [env.get("CAMERA_NAME") if NAME.fullmatch(env.get("CAMERA_NAME")) else "camera"]
    between = re.search(r"([,;|])(?:\s|$|[\w-]+\.\w+=)", value)
    if between:
        return f"has a {MARKS[between[1]]} between two settings; put a space there"
    if re.search(r"\s=|=\s", value):
        return f"has a space around =; write {names[0]}.MIN_FACE_PX=80 without"
    seen: set[str] = set()
    for number, word in enumerate(value.split(), 1):
        which, found, text = word.partition("=")
        name, dot, setting = which.partition(".")
        if not found or not dot:
            meant = re.split(r"[^A-Z_]", which.upper())[-1]
            example = f"{meant}=VALUE" if meant in allowed else "MIN_FACE_PX=80"
            return f"has word {number} without NAME.SETTING=VALUE; write {names[0]}.{example}"
        if name not in names:
            return f"has word {number} for no camera; begin it with {_listed(names)}"
        if setting.upper() not in allowed:
            shown = f"{name}.{setting}" if NAME.fullmatch(setting) else f"word {number}"
            close = difflib.get_close_matches(setting.upper(), sorted(allowed), n=1)
            meant = f"; did you mean {close[0]}?" if close else "; it is set for all cameras, on a line of its own"
            return f"has {shown}, which no camera can have of its own{meant}"
        if which.lower() in seen:
            return f"sets {name}.{setting} twice; remove one of them"
        seen.add(which.lower())
        problem = check(setting.upper(), text, env)
        if problem:
            return f"has {name}.{setting}, which {problem}"
    return None


def masks(value: str, _env: EnvFile) -> str | None:
    must = "must be polygons in shares of the frame, 0 to 1, such as 0,0:0.3,0:0.3,1:0,1"
    for polygon in filter(str.strip, value.split(";")):
        corners = [corner.split(",") for corner in polygon.strip().split(":")]
        try:
            inside = all(len(corner) == 2 and all(0 <= float(x) <= 1 for x in corner) for corner in corners)  # noqa: PLR2004
        except ValueError:
            inside = False
        if not inside or len(corners) < MIN_CORNERS:
            return must
    return None


RULES: dict[str, Rule] = {
    "CAMERA_SOURCE": single_source,
    "CAMERAS": cameras,
    "MASKS": masks,
}
