"""Help and complaints of the command lines, click's own words too, in the language of who typed the command."""

import copy
import inspect
import re
from collections.abc import Iterable
from typing import TypeVar

import click

from common.runtime.deployment import as_typed_here
from common.translation import for_terminal

AnyCommand = TypeVar("AnyCommand", bound=click.Command)

# What click says of itself, for `make docs` to collect; {fields} are what it fills in.
CLICK_SAYS = (
    "Show this message and exit.",
    "Show the version and exit.",
    "No such command {name}",
    "No such option {name}",
    "No such command {name}. Did you mean {meant}?",
    "No such option {name}. Did you mean {meant}?",
    "No such command {name}. (Did you mean one of: {meant}?)",
    "No such option {name}. (Did you mean one of: {meant}?)",
    "Got unexpected extra argument ({words})",
    "Got unexpected extra arguments ({words})",
    "Missing argument {name}",
    "Missing option {name}",
    "Missing command",
    "Option {name} requires an argument",
    "Option {name} does not take a value",
    "Invalid value for {name}: {problem}",
)


def local(text: str) -> str:
    """A text in the language of who typed the command that runs, with commands that can be typed where it runs."""
    context = click.get_current_context(silent=True)
    return shown(text, context.find_root().command.name or "") if context else text


def shown(text: str, program: str) -> str:
    return as_typed_here(for_terminal(text, program), program)


def word(text: str) -> str:
    """Mark a single word for `make docs`, which collects sentences by themselves and this however short it is."""
    return text


PLACEHOLDERS = (word("OPTIONS"), word("COMMAND"), word("ARGS"))
HEADINGS = (word("Options"), word("Commands"))
EXAMPLE = word("Example:")


def example(command: str) -> str:
    """The end of a command's help."""
    return f"\b\n{EXAMPLE}\n  {command}"


class HelpFormatter(click.HelpFormatter):
    """Writes click's headings and placeholders in that language."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        spoken = re.sub("|".join(PLACEHOLDERS), lambda found: local(found[0]), args)
        super().write_usage(prog, spoken, f"{local(word('Usage:'))} " if prefix is None else prefix)

    def write_heading(self, heading: str) -> None:
        super().write_heading(local(heading) if heading in HEADINGS else heading)

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        default = f"[{local(word('default:'))}"
        spoken = [(name, local(text).replace("[default:", default)) for name, text in rows]
        super().write_dl(spoken, col_max, col_spacing)


class HelpContext(click.Context):
    """Makes such a formatter."""

    formatter_class = HelpFormatter


def translated(command: AnyCommand, program: str) -> AnyCommand:
    """A copy of a command that says what it and its subcommands say of themselves in that language."""
    spoken = copy.deepcopy(command)
    _translate(spoken, program)
    return spoken


def _translate(command: click.Command, program: str) -> None:
    command.help = _translated(command.help, program)
    paragraphs = inspect.cleandoc(command.epilog or "").split("\n\n")
    spoken = "\n\n".join(shown(text, program) for text in paragraphs)
    command.epilog = spoken.replace(EXAMPLE, shown(EXAMPLE, program)) or None
    for option in command.params:
        if isinstance(option, click.Option):
            option.help = _translated(option.help, program)
    for each in command.commands.values() if isinstance(command, click.Group) else ():
        _translate(each, program)


def _translated(text: str | None, program: str) -> str | None:
    return shown(inspect.cleandoc(text), program) if text else text
