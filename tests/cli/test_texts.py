"""Every sentence of ./usbcam is in one file, and a translation is a file beside it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.programs.busybox import SHELLS

TEXTS = ROOT / "cli" / "texts"
SCRIPTS = [ROOT / "usbcam", *sorted((ROOT / "cli").glob("*.sh"))]
DEFINED = re.compile(r"""^(\w+)=(['"])(.*?)\2$""", re.MULTILINE | re.DOTALL)
# What prints, or is given what to print, with its words up to the next command.
SAYING = re.compile(
    r"(?<![-{\w])(say|tell|warn|fail|misused|filled|printf|echo|progress|watched|watched_part|meanwhile|page)\s+"
    r"""((?:"(?:[^"\\]|\\.)*"|'[^']*'|[^;&|>"'])*)"""
)
QUOTED = re.compile(r""""((?:[^"\\]|\\.)*)"|'([^']*)'""")
# Variables, formats, addresses, and what is typed or stays as it is in every language.
NO_TEXT = re.compile(
    r"\$\{[^}]*\}|\$\w+|\\\w|%-?\d*s|https?://\S*|\./\w+( \w+)?|docker-compose\.|\.yml|ssh -L |:127\.0\.0\.1:"
    r"|usbcam:? |pass +\.env"
)
COMMAND = re.compile(r"\$\([^()]*\)")


def defined(language: str) -> dict[str, str]:
    return {name: text for name, _, text in DEFINED.findall((TEXTS / f"{language}.sh").read_text(encoding="utf-8"))}


def literals(line: str) -> list[str]:
    """Return the words that a line of a script says by itself."""
    line, parts = re.sub(r"(^|\s)#.*", "", line), []
    while COMMAND.search(line):  # from the inside to the outside, for the quotes in one another
        parts += COMMAND.findall(line)
        line = COMMAND.sub("", line)
    sayings = [saying for part in (*parts, line) for saying in SAYING.findall(part)]
    return [text for command, words in sayings for text in said_by(command, words)]


def said_by(command: str, words: str) -> list[str]:
    texts = [double or single for double, single in QUOTED.findall(words)]
    if command in {"say", "tell", "warn", "fail", "misused", "echo"}:
        texts += re.findall(r"\w+ \w+", NO_TEXT.sub("", QUOTED.sub("", words)))
    return [text for text in texts if re.search(r"[A-Za-z]{2,}", NO_TEXT.sub("", text))]


def test_no_script_has_a_sentence_of_its_own() -> None:
    said = {
        f"{path.name}:{number}": literals(line)
        for path in SCRIPTS
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    }

    assert {place: texts for place, texts in said.items() if texts} == {}


@pytest.mark.parametrize(
    "line",
    [
        'say "No token yet."', "    warn 'stopped'", '[ -e x ] || fail "cannot write $named"', "printf 'Type yes: '",
        "say Not yet", 'say "$(filled "Going back to %s" "$1")"', 'tell "$text_status" "$(version) of $(roles) host"',
        'if x; then progress "Building $1" build; fi', 'case x in y) misused "$1 takes no word" ;; esac',
    ],
)  # fmt: skip
def test_a_sentence_in_a_script_would_be_found(line: str) -> None:
    assert literals(line)


def test_every_text_is_said_and_everything_said_has_a_text() -> None:
    scripts = "\n".join(path.read_text(encoding="utf-8") for path in SCRIPTS)
    named = set(re.findall(r"\$\{?(text_\w+)", scripts))
    commands = set(re.findall(r"^([a-z]+)\|.*\|.*\|", scripts, re.MULTILINE))
    texts = set(defined("en"))

    assert len(commands) > 20
    assert {name for name in texts if name.startswith("text_")} == named
    assert {name for name in texts if name.startswith("what_")} == {f"what_{command}" for command in commands}
    assert {name for name in texts if name.startswith("more_")} <= {f"more_{command}" for command in commands}


@pytest.mark.parametrize("language", sorted(path.stem for path in TEXTS.glob("*.sh")))
def test_a_translation_has_every_text_and_fills_in_as_much(language: str) -> None:
    english, translated = defined("en"), defined(language)

    assert set(translated) == set(english)
    for name, text in translated.items():
        assert re.findall("%.", text) == re.findall("%.", english[name]), name
        assert name.startswith("text_") or "%" not in text, name
    lines = (TEXTS / f"{language}.sh").read_text(encoding="utf-8")
    rest = DEFINED.sub("", lines).splitlines()
    assert [line for line in rest if line and not line.startswith("#")] == []  # nothing that would be run


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"LANG": "fr_FR.UTF-8"}, "il n'y a pas de commande stat; see ./usbcam help"),
        ({"LANG": "de_DE.UTF-8", "LC_MESSAGES": "fr"}, "il n'y a pas de commande stat; see ./usbcam help"),
        ({"LANG": "fr", "LC_ALL": "de_AT"}, "den Befehl stat gibt es nicht; siehe ./usbcam help"),
        ({"LANG": "fr_FR", "LC_ALL": "C.UTF-8"}, "there is no command stat; see ./usbcam help"),
        ({"LANG": "xx_XX"}, "there is no command stat; see ./usbcam help"),
        ({"LANG": "../fr"}, "there is no command stat; see ./usbcam help"),
        ({"LANG": "fr/../fr"}, "il n'y a pas de commande stat; see ./usbcam help"),
        ({}, "there is no command stat; see ./usbcam help"),
    ],
)
def test_a_language_is_found_by_its_file_and_what_it_lacks_is_english(
    tmp_path: Path, variables: dict[str, str], said: str, shell: tuple[str, ...]
) -> None:
    if shutil.which(shell[0]) is None:
        pytest.skip(f"there is no {shell[0]}")
    for path in (*SCRIPTS, *TEXTS.glob("*.sh")):
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    (tmp_path / "cli/texts/fr.sh").write_text('text_no_command="il n\'y a pas de commande %s"\n', encoding="utf-8")

    done = subprocess.run(
        [*shell, "./usbcam", "stat"], cwd=tmp_path, env={"PATH": "/usr/bin:/bin"} | variables,
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (2, f"usbcam: {said}\n")
