"""What the programs' command lines have in common: wrong input is one sentence and exit code 2, never a trace."""

import sys
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import click

from common import __version__
from common.runtime import quiet_start
from common.runtime.help_page import HelpContext, local, shown, translated
from common.runtime.settings import SettingsError
from common.translation import language_of_terminal

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
WRONG_INPUT = 2
INTERRUPTED = 130
SETTINGS_HELP = (
    "Settings come from the environment and from .env in the current folder; .env.example explains them all."
)


def say(text: str, *, err: bool = False) -> None:
    """Tell whoever typed the command something; what a program is to read goes past this."""
    click.echo(local(text), err=err)


class _Command(click.Command):
    """Says what it says of itself in the language of who typed it."""

    context_class = HelpContext


class _OneSentence(_Command):
    """Ends the process with what the command returns, or with a sentence and an exit code."""

    def main(self, *args: Any, **extra: Any) -> NoReturn:
        quiet_start.uninstall()
        spoken = translated(self, self.name or "") if language_of_terminal() != "en" else self
        try:
            code = super(_OneSentence, spoken).main(
                *args, **(extra | {"prog_name": self.name, "standalone_mode": False})
            )
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message(), err=True)
            code = error.exit_code
        except click.UsageError as error:
            said = shown(" ".join(error.format_message().split()).rstrip("."), self.name or "")
            self._fail(f"{said}; see --help")
            code = error.exit_code
        except click.ClickException as error:
            self._fail(error.format_message())
            code = error.exit_code
        except SettingsError as error:
            self._fail(*error.problems)
            code = WRONG_INPUT
        except click.Abort:  # Ctrl-C
            code = INTERRUPTED
        sys.exit(code)

    def _fail(self, *problems: str) -> None:
        for problem in problems:
            click.echo(f"{self.name}: {shown(problem, self.name or '')}", err=True)


class _Group(_Command, click.Group):
    """A group of commands in a program."""

    command_class = _Command


class Program(_OneSentence, _Group):
    """A program with commands."""

    group_class = _Group


class SingleCommand(_OneSentence):
    """A program without commands."""


class WrongInputError(click.ClickException):
    """What the user asked for cannot be done; the text is a sentence for the user."""

    exit_code = WRONG_INPUT


def version_option(command: Decorated) -> Decorated:
    """Add `--version`."""
    return click.version_option(__version__, message="%(prog)s %(version)s")(command)
