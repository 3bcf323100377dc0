"""The four programs' command lines: help, version, and wrong input in one sentence."""

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


def test_a_duration_that_is_none_is_one_sentence() -> None:
    result = run(uploader, "link", "key", "--expires", "soon")

    assert result.exit_code == 2
    assert result.stderr == (
        "uploader: Invalid value for '--expires': soon is not a duration such as 7d, 12h or 30m; see --help\n"
    )
