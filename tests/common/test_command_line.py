"""The four programs' command lines: help, version, and wrong input in one sentence."""

import re

import click
import pytest
from click.testing import CliRunner, Result

from camera.__main__ import main as camera
from common import __version__
from common.runtime.command_line import Program
from enroll.__main__ import main as enroll
from gallery.__main__ import main as gallery
from uploader.__main__ import main as uploader

PROGRAMS = [camera, uploader, gallery, enroll]
GROUPS = [camera, uploader, gallery]
COMMAND = re.compile(r"python -m|\./usbcam")


def run(program: click.Command, *arguments: str) -> Result:
    return CliRunner().invoke(program, arguments)


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_version_is_printed(program: click.Command) -> None:
    result = run(program, "--version")

    assert (result.exit_code, result.stdout) == (0, f"{program.name} {__version__}\n")


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_help_says_where_settings_come_from_and_gives_an_example(program: click.Command) -> None:
    result = run(program, "--help")

    assert result.exit_code == 0
    assert "Settings come from the environment and from .env" in result.stdout
    assert "Example:\n" in result.stdout


@pytest.mark.parametrize("program", GROUPS)
def test_the_help_names_every_command_in_a_whole_sentence(program: Program) -> None:
    commands = run(program, "--help").stdout.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()

    assert [line.split()[0] for line in commands] == sorted(program.commands)
    assert all(line.endswith(".") and not line.endswith("...") for line in commands)


@pytest.mark.parametrize("program", GROUPS)
@pytest.mark.parametrize("arguments", [["chekc"], ["--no"], ["health", "more"]])
def test_wrong_input_is_one_sentence(program: click.Command, arguments: list[str]) -> None:
    result = run(program, *arguments)

    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert result.stderr.startswith(f"{program.name}: ")
    assert result.stderr.endswith("; see --help\n")


def german_help(program: click.Command, *arguments: str) -> str:
    result = CliRunner(env={"LC_ALL": "de_DE.UTF-8"}).invoke(program, [*arguments, "--help"])
    assert result.exit_code == 0
    return result.stdout


@pytest.mark.parametrize("program", PROGRAMS)
def test_all_of_a_help_is_in_the_language_of_who_asks(program: click.Command) -> None:
    commands = list(program.commands) if isinstance(program, click.Group) else []

    for command in [[], *([name] for name in commands)]:
        german, english = german_help(program, *command), run(program, *command, "--help").stdout
        sentences = [line.split("  ")[-1] for line in english.splitlines() if re.search(r"[a-z]{2,} [a-z]{2,}", line)]
        assert [said for said in sentences if said in german and not COMMAND.search(said)] == []
        assert [word for word in ("Usage:", "Options:", "OPTIONS", "Commands:", "Example:") if word in german] == []
        assert "Aufruf: " in german
        assert [line for line in german.splitlines()[1:] if line.endswith("...")] == []  # a sentence that was cut
        assert "Beispiel:\n" in german


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["chekc"], "Den Befehl 'chekc' gibt es nicht. War 'check' gemeint?; siehe --help"),
        (["--no"], "Die Option '--no' gibt es nicht; siehe --help"),
        (["health", "more"], "Ein Wort ist zu viel (more); siehe --help"),
        (["link"], "'KEY' fehlt; siehe --help"),
        (["link", "x", "--expires", "y"], "'--expires': y ist keine Dauer wie 7d, 12h oder 30m; siehe --help"),
    ],
)
def test_wrong_input_is_explained_in_that_language(arguments: list[str], said: str) -> None:
    result = CliRunner(env={"LC_ALL": "de_DE.UTF-8"}).invoke(uploader, arguments)

    assert result.exit_code == 2
    assert result.stderr.endswith(f"{said}\n")


def test_a_group_without_its_command_shows_its_help_as_a_page() -> None:
    result = run(gallery, "notify")

    assert result.exit_code == 2
    assert "\nCommands:\n  test  Send a test message" in result.stderr


def test_a_duration_that_is_none_is_one_sentence() -> None:
    result = run(uploader, "link", "key", "--expires", "soon")

    assert result.exit_code == 2
    assert result.stderr == (
        "uploader: Invalid value for '--expires': soon is not a duration such as 7d, 12h or 30m; see --help\n"
    )
