"""What people read, in their language. English stands in the code where it is said, German in `texts/de.po`.

A sentence is made where nobody knows who will read it: the log (English), a terminal or a page. So it is translated
where it is shown, by the template that it fits; what fits none stays English.
"""

from __future__ import annotations  # ./usbcam reads this with the host's Python, which may be 3.8

import functools
import json
import os
import re
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from string import Formatter
from typing import NamedTuple

LANGUAGE = re.compile(r"[a-z]{2,3}(?![a-z])")
BREAKS = (r"(?<=\.) ", "(?<=;) ", "(?<=:) ", "(?<=,) ")
MAX_CHARACTERS, MAX_PARTS, REMEMBERED = 2000, 100, 512


class Template(NamedTuple):
    """A sentence with {fields}, and how it is said in another language."""

    literals: tuple[str, ...]  # before, between and behind the fields
    fields: tuple[str, ...]
    translated: str

    @property
    def weight(self) -> int:
        return sum(map(len, self.literals))

    def match(self, text: str, *, beginning: bool = False) -> tuple[dict[str, str], int] | None:
        """The fields of a text, or of its beginning, and how long that is."""
        if not text.startswith(self.literals[0]):
            return None
        values, at = {}, len(self.literals[0])
        for number, field in enumerate(self.fields):
            literal = self.literals[number + 1]
            is_last = number + 1 == len(self.fields)
            if is_last and not beginning:
                found = len(text) - len(literal) if text.endswith(literal) else -1
            else:
                found = text.find(literal, at) if literal else -1
            if found < at:
                return None
            values[field] = text[at:found]
            at = found + len(literal)
        return (values, at) if beginning or at == len(text) else None


class Translation:
    """Translates whole sentences, and those that were put together from several."""

    def __init__(self, translations: Mapping[str, str]) -> None:
        self.exact = dict(translations)
        made = (_template(english, translated) for english, translated in translations.items())
        self.templates = sorted(made, key=lambda template: -template.weight)
        self.translate = functools.lru_cache(maxsize=REMEMBERED)(self._translate)

    def _translate(self, text: str) -> str:
        return text if len(text) > MAX_CHARACTERS else _Attempt(self).known(text) or text


class _Attempt:
    """The translation of one text, whose parts may be sentences; it gives up after so many parts."""

    def __init__(self, translation: Translation) -> None:
        self._translation, self._left = translation, MAX_PARTS

    def known(self, text: str) -> str | None:
        self._left -= 1
        if self._left < 0 or not text.strip():
            return None
        exact = self._translation.exact.get(text)
        return exact or self._fitting(text) or self._joined(text) or self._split(text)

    def _fitting(self, text: str) -> str | None:
        for template in self._translation.templates:
            found = template.match(text) if template.fields else None
            if found:
                return self._filled(template, found[0])
        return None

    def _joined(self, text: str) -> str | None:
        """What begins as one template, and goes on as another."""
        for template in self._translation.templates:
            found = template.match(text, beginning=True)
            rest = self.known(text[found[1] :]) if found and found[1] < len(text) else None
            if found and rest:
                return self._filled(template, found[0]) + rest
        return None

    def _split(self, text: str) -> str | None:
        for place in BREAKS:
            parts = re.split(place, text)
            if len(parts) > 1:
                said = [self._known_with_its_end(part) for part in parts]
                if any(said):
                    return " ".join(new or old for new, old in zip(said, parts))
        return None

    def _known_with_its_end(self, text: str) -> str | None:
        known = self.known(text)
        if known is None and text[-1:] in set(".;:,"):
            bare = self.known(text[:-1])
            return bare + text[-1] if bare else None
        return known

    def _filled(self, template: Template, values: Mapping[str, str]) -> str:
        said = {field: self.known(value) or value for field, value in values.items()}
        return _put_in(template.translated, said)


def _put_in(text: str, values: Mapping[str, str]) -> str:
    return "".join(literal + values.get(field or "", "") for literal, field, _, _ in Formatter().parse(text))


def _template(english: str, translated: str) -> Template:
    parts = [(literal, field) for literal, field, _, _ in Formatter().parse(english)]
    literals, fields = [""], []
    for literal, field in parts:
        literals[-1] += literal
        if field is not None:
            fields.append(field)
            literals.append("")
    return Template(tuple(literals), tuple(fields), translated)


def parse_po(text: str) -> dict[str, str]:
    """The entries of a file of gettext that are translated and not in doubt."""
    return {english: translated for english, translated in _entries(text) if english and translated}


def _entries(text: str) -> Iterator[tuple[str, str]]:
    for block in re.split(r"\n\s*\n", text):
        if re.search("^#,.*fuzzy", block, re.MULTILINE):
            continue
        parts = {"msgid": "", "msgstr": ""}
        kind = ""
        for line in block.splitlines():
            found = re.match(r'(?:(msgid|msgstr) )?(".*")', line)
            if found:
                kind = found[1] or kind
                parts[kind] += json.loads(found[2])
        yield parts["msgid"], parts["msgstr"]


@functools.lru_cache(maxsize=None)
def translation_of(package: str, language: str) -> Translation | None:
    """The translation of a program into a language, if there is one."""
    if not LANGUAGE.fullmatch(language):
        return None
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:  # a program of dev/, which is English
        return None
    file = Path(found.submodule_search_locations[0]) / "texts" / f"{language}.po"
    return Translation(parse_po(file.read_text(encoding="utf-8"))) if file.is_file() else None


def language_of_terminal(environment: Mapping[str, str] = os.environ) -> str:
    """The language of who typed the command, by the usual variables; en where none says anything."""
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    found = LANGUAGE.match(next((environment[name] for name in names if environment.get(name)), ""))
    return found[0] if found else "en"


def for_terminal(text: str, package: str) -> str:
    """A text in the language of who typed the command."""
    known = translation_of(package, language_of_terminal())
    return known.translate(text) if known else text


def for_browser(text: str, package: str, accepted: str) -> str:
    """A text in the language of a browser."""
    known = translation_of(package, language_of_browser(package, accepted))
    return known.translate(text) if known else text


def language_of_browser(package: str, accepted: str) -> str:
    """The first language of an Accept-Language header that there is; English is always there."""
    for wanted in accepted.lower().split(","):
        language = LANGUAGE.match(wanted.strip())
        if language and (language[0] == "en" or translation_of(package, language[0])):
            return language[0]
    return "en"
