"""The reference of commands, from the help of ./usbcam and of each program."""

import subprocess
from collections.abc import Iterator

import click

from camera.__main__ import main as camera
from dev.documents.env_example import ROOT
from enroll.__main__ import main as enroll
from gallery.__main__ import main as gallery
from uploader.__main__ import main as uploader

PROGRAMS: dict[str, click.Command] = {"camera": camera, "enroll": enroll, "gallery": gallery, "uploader": uploader}
START = """# Commands

<!-- Made by `make docs` from what the commands say of themselves. Do not edit. -->

`./usbcam` is the command for everyday work, on both hosts. It calls Docker Compose.

```
{usbcam}
```

## The programs

`./usbcam` calls these for you. Without Docker they are started as
`.venv/bin/python -m PROGRAM`. Each has `--help` and `--version`.
"""


def page() -> str:
    """Return the page about every command."""
    usbcam = subprocess.run(["./usbcam", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    parts = [START.format(usbcam=usbcam.strip())]
    for name, program in PROGRAMS.items():
        parts.append(f"### {name}\n\n{_sentences(program)}\n")
        parts += [
            f"{' ' * (len(text) - len(text.lstrip()))}- `{text.strip()}`: {meaning}"
            for text, meaning in _commands(name, program)
        ]
        parts.append("")
    return "\n".join(parts).rstrip() + "\n"


def _commands(name: str, program: click.Command) -> Iterator[tuple[str, str]]:
    if not isinstance(program, click.Group):
        yield from _options(f"{name} ", program)
        return
    for command_name, command in sorted(program.commands.items()):
        arguments = "".join(
            f" {p.make_metavar(click.Context(command))}" for p in command.params if isinstance(p, click.Argument)
        )
        yield f"{name} {command_name}{arguments}", _sentences(command)
        yield from _options("  ", command)


def _options(prefix: str, command: click.Command) -> Iterator[tuple[str, str]]:
    for option in command.params:
        if isinstance(option, click.Option) and option.name != "version":
            value = f" {option.metavar or 'VALUE'}" if not option.is_flag else ""
            yield f"{prefix}{option.opts[0]}{value}", option.help or ""


def _sentences(command: click.Command) -> str:
    return " ".join((command.help or "").split())
