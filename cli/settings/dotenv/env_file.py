""".env line by line, as Compose reads it; stricter where Compose would guess."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Iterable, NamedTuple

from cli.settings.dotenv import form
from cli.settings.names import correct, is_known, is_secret
from cli.settings.shown import assignment

UTF8_MARK, UTF16_MARKS = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")
UTF16 = re.compile(rb"(?:[\x09-\x7e]\0){4}|(?:\0[\x09-\x7e]){4}")
ANEW = "run ./usbcam init edge or ./usbcam init cloud, which writes a new one"
ASSIGNMENT = re.compile(r"([A-Za-z_][\w.-]*)=(.*)")
BASE64 = re.compile(r"[A-Za-z0-9+/]{16,}={0,2}")
GZIPPED = "H4sI"
VARIABLE = re.compile(r"\$(?:\{([A-Za-z_]\w*)[^}]*\}|([A-Za-z_]\w*)|(\$)|(\{))")
TYPOGRAPHIC = "“”„‘’‚«»`´″′"  # noqa: RUF001 (these are what is looked for)
INVISIBLE = re.compile("[\u00a0\u00ad\u200b-\u200f\u2028\u2029\u202f\u2060\ufeff\x00-\x08\x0b-\x1f\x7f]")
PLACEHOLDER = re.compile(r"<.*>|\.{3,}|…+|x{3,}|(change|replace)[-_ ]?me|your[-_ ].*|todo|example", re.IGNORECASE)


class EnvFileError(Exception):
    """.env cannot be read at all; the text is a sentence for the user."""


class Assignment(NamedTuple):
    """One setting, with the line on which it is."""

    name: str
    value: str
    line: int

    @property
    def shown(self) -> str:
        """The name, and the value where that cannot be a secret."""
        return self.name if is_secret(self.name) else assignment(self.name, self.value)


class Problem(NamedTuple):
    """What is wrong, in one sentence, and on which line; 0 is the whole file."""

    line: int
    text: str
    name: str = ""

    def __str__(self) -> str:
        place = f".env line {self.line}" if self.line else ".env"
        return f"{place}: {self.text}"


class EnvFile(NamedTuple):
    """What a .env says, and what is wrong with its form."""

    settings: dict[str, Assignment]
    problems: tuple[Problem, ...]
    lines: int = 0

    def get(self, name: str) -> str:
        """The value, as Compose will see it: the environment goes before .env."""
        return os.environ.get(name) or (self.settings[name].value if name in self.settings else "")

    def line(self, name: str) -> int:
        return self.settings[name].line if name in self.settings else 0


class LineError(Exception):
    """A line that says nothing that can be used; the text is a sentence for the user."""


def read(file: Path) -> EnvFile:
    """Read a file; raises EnvFileError."""
    try:
        if file.exists() and not file.is_file():
            if file.is_dir():
                raise EnvFileError(f"{file} is a folder; move it away, then {ANEW}")
            raise EnvFileError(f"{file} is no file; move it away, then {ANEW}")
        return parse(file.read_bytes())
    except PermissionError:
        raise EnvFileError(f"{file} cannot be read by this user; run: sudo chown $(id -u) {file}") from None
    except OSError as error:
        raise EnvFileError(f"{file} cannot be read ({error.strerror}); move it away, then {ANEW}") from error


def parse(content: bytes) -> EnvFile:
    """Read the content line by line; raises EnvFileError where there are no lines."""
    if content.startswith(UTF16_MARKS) or UTF16.match(content):
        raise EnvFileError(str(Problem(1, "the file is UTF-16; save it as UTF-8 in your editor")))
    if b"\0" in content:
        line = content[: content.index(b"\0")].count(b"\n") + 1
        raise EnvFileError(str(Problem(line, f"the file is no text; move it away, then {ANEW}")))
    problems: list[Problem] = []
    if content.startswith(UTF8_MARK):
        remove = "sed -i '1s/^\\xEF\\xBB\\xBF//; s/\\r$//' .env"
        problems.append(Problem(1, f"an invisible byte order mark comes first, as Windows writes it; run: {remove}"))
        content = content[len(UTF8_MARK) :]
    elif b"\r" in content:
        line = content[: content.index(b"\r")].count(b"\n") + 1
        problems.append(Problem(line, "it ends in CR, as Windows writes lines; convert: sed -i 's/\\r$//' .env"))
    content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    found: dict[str, Assignment] = {}
    is_open = False  # a quote; what follows is meant to be in it
    for number, raw in enumerate(content.split(b"\n"), 1):
        setting = _parse_line(raw, number, found)
        if isinstance(setting, Problem):
            if not is_open or setting.name:
                problems.append(setting)
            is_open = is_open or "is not closed" in setting.text
        elif setting:
            found[setting.name] = setting
            is_open = False
    return EnvFile(found, tuple(problems), content.rstrip(b"\n").count(b"\n") + 1)


def _name_in(raw: bytes) -> str:
    """The setting that a wrong line was meant for, so that it is not reported as missing, too."""
    words = re.findall(r"[A-Za-z_][\w.-]*", raw.decode("utf-8", "replace"))
    for word in words[:2]:
        meant = word if is_known(word) else correct(word)
        if meant:
            return meant
    return ""


def _parse_line(raw: bytes, number: int, before: dict[str, Assignment]) -> Assignment | Problem | None:
    try:
        return _understand(raw, number, before)
    except LineError as error:
        return Problem(
            number, str(error), str(error).split(" ", maxsplit=1)[0] if " goes on " in str(error) else _name_in(raw)
        )


def _understand(raw: bytes, number: int, before: dict[str, Assignment]) -> Assignment | None:
    text = _decoded(raw)
    if not text.strip() or text.lstrip().startswith("#"):
        return None
    name, rest = _split(text, before)
    if not is_known(name):
        raise LineError(form.unknown(name))
    if name in before:
        raise LineError(f"{name} is set again, after line {before[name].line}; remove one of the two lines")
    value = _value(name, rest, before.values())
    return Assignment(name, value, number)


def _decoded(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise LineError(
            f"{_name_in(raw) or 'it'} is not UTF-8; save the file as UTF-8 and type the value again"
        ) from None
    if text.lstrip(" \t").startswith("#"):
        return ""
    hidden = INVISIBLE.search(text)
    if hidden and hidden[0] != "\t":
        name = text.split("=")[0].strip() if "=" in text[: hidden.start()] else "it"
        raise LineError(f"{name} has an invisible character (U+{ord(hidden[0]):04X}); type the line again")
    return text


def _split(text: str, before: dict[str, Assignment]) -> tuple[str, str]:
    """Return name and the rest of a line; raises LineError."""
    found = ASSIGNMENT.fullmatch(text)
    if BASE64.fullmatch(text.strip()) and before and not (found and is_known(found[1])):
        last = list(before.values())[-1]
        if text.startswith(GZIPPED) and last.name != "EDGE_TOKEN":
            raise LineError("it is a token without its name; write EDGE_TOKEN= before it")
        raise LineError(f"{last.name} of line {last.line} goes on here; join both lines into one, without a space")
    if found and (not found[2].startswith(("=", " ", "\t")) or not found[2].strip()):
        return found[1], found[2]
    raise LineError(form.wrong_form(text))


def _value(name: str, rest: str, before: Iterable[Assignment]) -> str:
    """Return the value as Compose takes it; raises LineError where it would not be what is written."""
    if rest[:1] in {"'", '"'}:
        value = _quoted(name, rest)
        if rest[0] == "'":
            return value
    else:
        value = _unquoted(name, rest)
    return _expanded(name, value, {setting.name: setting.value for setting in before})


def _quoted(name: str, rest: str) -> str:
    mark = rest[0]
    found = re.match(rf"{mark}((?:\\.|[^\\{mark}])*){mark}(.*)", rest)
    if found is None:
        raise LineError(f"{name} has a quote {mark} that is not closed; close it, or write the value without quotes")
    after = found[2].strip()
    if after.endswith(mark):
        raise LineError(f"{name} has a quote {mark} inside; write \\{mark} in its place")
    if after and not after.startswith("#"):
        raise LineError(f"{name} has text behind the closing quote {mark}; put all of the value into the quotes")
    if mark == '"' and re.search(r'\\[^"$]', found[1]):
        raise LineError(f"{name} has a \\ in double quotes, which Compose replaces; take single quotes: {name}='...'")
    return found[1].replace("\\" + mark, mark)


def _unquoted(name: str, rest: str) -> str:
    value = rest.strip()
    kept = value.split(" #", maxsplit=1)[0].strip()  # Compose takes a tab before # for a part of the value
    if value.startswith("#"):
        raise LineError(f"{name} begins with #; put the value in single quotes, or move the comment to its own line")
    if kept != value and is_secret(name):
        raise LineError(f"{name} would end before the #; put the value in single quotes: {name}='...'")
    if value[:1] in TYPOGRAPHIC and value:
        raise LineError(f"{name} has typographic quotes; write the value in ' or without quotes")
    if kept[-1:] in {"'", '"'} and kept.count(kept[-1]) == 1:
        raise LineError(
            f"{name} ends with a quote {kept[-1]} that was not opened; remove it, or quote all of the value"
        )
    if kept.endswith("\\"):
        raise LineError(f"{name} ends with a backslash; a setting is on one line, so write the whole value here")
    other = re.search(r"\s([A-Z][A-Z0-9_]{3,})=", value)
    if other and is_known(other[1]):
        raise LineError(f"{name} is followed by {other[1]} on the same line; give each setting a line of its own")
    return kept


def _expanded(name: str, value: str, before: dict[str, str]) -> str:
    """Replace $NAME as Compose does; what it would take away without a word is an error."""
    known = {**before, **os.environ}
    for found in VARIABLE.finditer(value):
        variable = found[1] or found[2]
        if is_secret(name) or found[3] or found[4] or variable not in known:
            raise LineError(f"{name} has a $, which Compose replaces; put the value in single quotes: {name}='...'")
    return VARIABLE.sub(lambda found: known.get(found[1] or found[2] or "", ""), value)


def is_placeholder(value: str) -> bool:
    return PLACEHOLDER.fullmatch(value) is not None
