"""A sentence in the language of who reads it, also one that was put together from several."""

from pathlib import Path

import pytest

from common.translation import (
    Translation,
    for_browser,
    language_of_browser,
    language_of_terminal,
    parse_po,
    translation_of,
)

FILE = r"""
msgid ""
msgstr "Content-Type: text/plain\n"

#: somewhere.py
msgid "The camera {name} crashed ({error}); starting it again."
msgstr "{error}: die Kamera {name} "
"wird neu gestartet."

msgid "{name} is not set; set it in .env"
msgstr "{name} ist nicht gesetzt; in .env setzen"

msgid " to {description}"
msgstr ", auf {description}"

msgid "no \"name\" here"
msgstr "hier kein \"Name\""

#, fuzzy
msgid "in doubt here"
msgstr "falsch"

msgid "not yet said"
msgstr ""
"""
SAID = {
    'The camera a crashed (no "name" here); starting it again.': 'hier kein "Name": die Kamera a wird neu gestartet.',
    "S3_BUCKET is not set; set it in .env": "S3_BUCKET ist nicht gesetzt; in .env setzen",
    "S3_BUCKET is not set; set it in .env to a name": "S3_BUCKET ist nicht gesetzt; in .env setzen, auf a name",
    'errno 5: no "name" here': 'errno 5: hier kein "Name"',
    "in doubt here": "in doubt here",
    "not yet said": "not yet said",
    "{name} is not {set}": "{name} is not {set}",
    "": "",
    "x" * 100_000: "x" * 100_000,
}


@pytest.mark.parametrize(("english", "german"), SAID.items(), ids=range(len(SAID)))
def test_a_sentence_is_said_as_its_template_is_translated(english: str, german: str) -> None:
    assert Translation(parse_po(FILE)).translate(english) == german


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "de_AT.UTF-8"}, "de"),
        ({"LANG": "de_DE", "LC_ALL": "en_GB"}, "en"),
        ({"LANG": "en", "LC_MESSAGES": "de"}, "de"),
        ({"LANG": "../../etc/de"}, "en"),
    ],
)
def test_the_language_is_that_of_the_usual_variables(variables: dict[str, str], language: str) -> None:
    assert language_of_terminal(variables) == language


@pytest.mark.parametrize(
    ("accepted", "said"),
    [
        ("de-DE,de;q=0.9,en;q=0.8", "Mit der Cloud verbunden."),
        ("fr,de", "Mit der Cloud verbunden."),
        ("en-GB,de", "Connected to the cloud."),
        ("../de, *;q=0.1", "Connected to the cloud."),
        ("", "Connected to the cloud."),
    ],
)
def test_a_page_answers_in_the_first_language_of_the_browser_that_there_is(accepted: str, said: str) -> None:
    assert for_browser("Connected to the cloud.", "camera", accepted) == said


def test_a_language_is_found_by_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = tmp_path / "spoken_program" / "texts"
    texts.mkdir(parents=True)
    (texts.parent / "__init__.py").touch()
    (texts / "fr.po").write_text('msgid "Log in"\nmsgstr "Se connecter"\n', encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    assert for_browser("Log in", "spoken_program", "fr-CA,de") == "Se connecter"
    assert language_of_browser("spoken_program", "it, fr") == "fr"


def test_a_language_that_nobody_wrote_is_none() -> None:
    assert translation_of("camera", "xx") is None
    assert translation_of("a_program_of_dev", "de") is None
