"""What a line that is not NAME=VALUE was probably meant to be."""

from __future__ import annotations

import re

from cli.settings.names import correct, is_known

NAME = r"[A-Za-z_]\w*"
ASSIGNMENT = re.compile(r"[A-Za-z_][\w.-]*=(.*)")
SPACED = re.compile(r"([A-Za-z_][\w.-]*)[ \t]*=[ \t]*(.*)")
PREFIX = re.compile(r"(export|set|setx|env|ENV|declare|-e|--env|-|\*|\$env:|\$)\s*(?=[A-Za-z_]\w*\s*[=:])")
COLON = re.compile(rf"[\"']?({NAME})[\"']?\s*:\s*(?!=)(.*)")
OPERATOR = re.compile(rf"({NAME})\s*([:?+!]=|=>|->|<-|\|)")
QUOTED_NAME = re.compile(rf"([\"'`])({NAME})\1?\s*=")
CONFLICT = re.compile(r"<{7}|={7}$|>{7}|\|{7}")
OTHER_COMMENT = re.compile(r"(;|//|--|<!--|/\*|%|REM\b)")
NO_NAME = re.compile(r"[^=]{1,60}(?==)")


def wrong_form(text: str) -> str:
    """Say what kind of line it is that is not NAME=VALUE, and how to write it."""
    bare = text.strip()
    prefix = PREFIX.match(bare)
    if prefix:
        name = re.split(r"[=:\s]", bare[prefix.end() :])[0]
        return f"{name} has {prefix[0].strip()} before it; begin the line with {name}="
    return _of_another_language(bare) or _spaced(text, bare) or _misnamed(bare)


def unknown(name: str) -> str:
    """Say that no setting has this name, and which was probably meant."""
    meant = correct(name)
    if meant and meant == name.upper():
        return f"{name} is not in capitals; write {meant}"
    if meant:
        return f"{name} is no setting; did you mean {meant}?"
    return f"{name} is no setting; remove the line, or take a name from .env.example"


def _of_another_language(bare: str) -> str | None:
    if CONFLICT.match(bare):
        return "it is a mark of a git conflict; choose one of the two versions, and remove such lines"
    if bare[0] in "{}[]" and not re.fullmatch(r"\[.*\]", bare):
        return ".env is no JSON; write each setting on a line as NAME=VALUE"
    if re.fullmatch(r"\[.*\]", bare):
        return f"{bare} is no setting; .env has no sections, so remove the line"
    if OTHER_COMMENT.match(bare):
        return "it is no setting; a comment begins with #"
    operator = OPERATOR.match(bare)
    if operator:
        return f"{operator[1]} is followed by {operator[2]}; write {_meant(operator[1])}=VALUE"
    quoted = QUOTED_NAME.match(bare)
    return f"{quoted[2]} has a quote {quoted[1]} before it; write {_meant(quoted[2])}=VALUE" if quoted else None


def _spaced(text: str, bare: str) -> str | None:
    spaced = SPACED.fullmatch(bare)
    if spaced is None:
        return None
    if spaced[2].startswith("="):
        return f"{spaced[1]} has = twice; write {spaced[1]}=VALUE"
    if text != bare or not ASSIGNMENT.fullmatch(bare) or spaced[2] != bare.partition("=")[2]:
        where = "spaces around =" if text == bare else "a space or tab before it"
        return f"{spaced[1]} has {where}; write {spaced[1]}=VALUE without"
    return None


def _misnamed(bare: str) -> str:
    colon = COLON.fullmatch(bare)
    if colon and _meant(colon[1], ""):
        return f"{colon[1]} is followed by a colon; write {_meant(colon[1])}=VALUE"
    named = NO_NAME.match(bare)
    if named and correct(named[0]):
        return unknown(named[0].strip())
    word = re.split(r"[\s=]", bare)[0]
    if _meant(word, ""):
        return f"{word} has no = behind it; write {_meant(word)}=VALUE"
    return "it is no setting; write NAME=VALUE, or # before a comment"


def _meant(name: str, otherwise: str | None = None) -> str:
    return name if is_known(name) else correct(name) or (name if otherwise is None else otherwise)
