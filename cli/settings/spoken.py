"""What is said, in the language of who typed the command; texts/ of cli has it. Problems are made in English."""

from __future__ import annotations

import re

from common.translation import Translation, language_of_terminal, translation_of

PLACE = re.compile(r"(?s)(\.env line \d+)?(: )?(.*)")
OF_SETTING = re.compile(r"[A-Z][A-Z0-9_]+[= ]")
PREDICATE = re.compile(r"(?<= )(?:is|has|must|names|gives|sets|needs|begins|cannot|would|lets|and) ")


def sentence(text: str) -> str:
    """A sentence, which may begin with its line in .env."""
    translation = translation_of("cli", language_of_terminal())
    if translation is None:
        return text
    found = PLACE.fullmatch(text)
    place, colon, rest = found.groups("") if found else ("", "", text)
    return translation.translate(place) + colon + _of_setting(rest, translation)


def word(text: str) -> str:
    """A word that is filled in."""
    return sentence(text)


def _of_setting(text: str, translation: Translation) -> str:
    """A setting, perhaps with its value, goes before what is wrong with it; some sentences have it as a field."""
    whole = (template for template in translation.templates if template.fields and not template.literals[0])
    if OF_SETTING.match(text) and not any(template.match(text) for template in whole):
        for found in PREDICATE.finditer(text):
            rest = text[found.start() :]
            said = translation.translate(rest)
            if said != rest:
                return text[: found.start()] + said
    return translation.translate(text)
