"""Every sentence of a program is in one file, and a translation is a file that says each as well."""

import ast
import re
from pathlib import Path
from string import Formatter

import pytest

from common.translation import Translation, parse_po
from dev.documents import pages, texts
from dev.documents.texts import ROOMS, file_of, texts_of
from tests.documents.test_prose import MAX_WORDS
from tests.support.paths import ROOT

# Where something is printed past `say`: what a program is to read, and health checks, which go to Docker's log.
PRINT = {"print", "click.echo", "sys.stdout.write"}
PRINTED = {
    "common/runtime/command_line.py", "common/runtime/check_result.py", "common/runtime/progress.py",
    "edge/camera/control/health_check.py", "edge/camera/diagnostics/offline.py",
    "cloud/uploader/health_check.py", "cloud/gallery/health_check.py",
    "cloud/uploader/__main__.py", "cloud/gallery/__main__.py", "cloud/enroll/__main__.py",
    "cli/settings/__main__.py", "cli/settings/questions.py",  # by cli/settings/spoken.py
}  # fmt: skip


def fields(text: str) -> list[str]:
    return [field for _, field, _, _ in Formatter().parse(text) if field is not None]


def filled(text: str, values: dict[str, str]) -> str:
    return "".join(literal + values.get(field or "", "") for literal, field, _, _ in Formatter().parse(text))


def test_another_language_is_kept_up_to_date_as_soon_as_its_file_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "cloud/enroll/texts/fr.po"
    file.parent.mkdir(parents=True)
    file.write_text('msgid "Log in"\nmsgstr "Se connecter"\n', encoding="utf-8")
    monkeypatch.setattr(texts, "ROOT", tmp_path)
    monkeypatch.setattr(texts, "sentences", lambda _: {"Log in": {"a.py"}, "Said anew": {"b.py"}})

    made = pages.translations()

    assert list(made) == ["cloud/enroll/texts/fr.po"]
    written = made["cloud/enroll/texts/fr.po"]()
    assert 'msgid "Log in"\nmsgstr "Se connecter"\n' in written
    assert 'msgid "Said anew"\nmsgstr ""\n' in written


@pytest.mark.parametrize("program", ROOMS)
def test_each_sentence_is_translated_with_what_it_is_filled_in_and_mistaken_for_no_other(program: str) -> None:
    translations = parse_po(file_of(program, "de").read_text(encoding="utf-8"))
    german = Translation(translations)

    for english, translated in translations.items():
        values = {field: f"v{number}" for number, field in enumerate(fields(english))}
        assert set(fields(translated)) == set(values), english
        assert german.translate(filled(english, values)) == filled(translated, values)


@pytest.mark.parametrize("program", ROOMS)
def test_a_message_has_sentences_of_at_most_25_words(program: str) -> None:
    said = re.findall(r'^msgid "(.*)"$', file_of(program).read_text(encoding="utf-8"), re.MULTILINE)

    sentences = [sentence for text in said for sentence in re.split(r"(?<=[.?!])\s+(?=[A-Z{])|\\\\n", text)]
    assert len(sentences) > len(said) > 0
    assert [sentence for sentence in sentences if len(sentence.split()) > MAX_WORDS] == []


@pytest.mark.parametrize("program", ROOMS)
def test_german_has_every_sentence(program: str) -> None:
    sentences = set(re.findall(r'^msgid "(.+)"$', file_of(program).read_text(encoding="utf-8"), re.MULTILINE))

    german = re.findall(
        r'^msgid "(.+)"\nmsgstr "(?!")', file_of(program, "de").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sentences - set(german) == set()


def calls(source: str) -> list[ast.Call]:
    """Of a module that may print."""
    if not any(name in source for name in PRINT):
        return []
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]


def test_nothing_is_printed_past_what_translates() -> None:
    printing = {
        path.relative_to(ROOT).as_posix()
        for room in ("edge/camera", "cloud", "common", "cli")
        for path in (ROOT / room).rglob("*.py")
        for node in calls(path.read_text(encoding="utf-8"))
        if ast.unparse(node.func) in PRINT
    }

    assert printing <= PRINTED


def test_what_is_said_is_found_and_what_is_logged_is_not() -> None:
    source = '''
def check(name, log):
    """Not said."""
    log.warning("Logged of %s alone", name)
    log.warning("%s", f"Shown and logged of {name.text}")
    raise ValueError(f"{name.text} is wrong" + (" and late" if name else ""))
'''

    assert list(texts_of(source)) == ["Shown and logged of {text}", "{text} is wrong", " and late"]
