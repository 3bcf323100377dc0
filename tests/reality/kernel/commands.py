"""Commands of the camera in the machine, each a fork of a process there that has imported all they need."""

import json
import shlex
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dev.vm.machine import Done

FORKER, READY = Path(__file__).with_name("forker.py"), "ready\n"

Attach = Callable[[str], "subprocess.Popen[str]"]


@dataclass(frozen=True, slots=True)
class Commands:
    """What runs them."""

    forker: "subprocess.Popen[str]"

    @classmethod
    def start(cls, attach: Attach, *python: str) -> "Commands":
        """Start it with that Python, which needs no file of ours."""
        return cls(attach(shlex.join((*python, "-u", "-c", FORKER.read_text(encoding="utf-8")))))

    def run(self, words: tuple[str, ...], user: str = "", environment: Mapping[str, str] | None = None) -> Done:
        """Run one command and return what it said; as root, by another user."""
        asked, answers = self.forker.stdin, self.forker.stdout
        assert asked is not None
        assert answers is not None
        asked.write(json.dumps({"words": words, "user": user, "environment": environment or {}}) + "\n")
        asked.flush()
        if (answer := answers.readline()) == READY:
            answer = answers.readline()
        return Done(words, *json.loads(answer))
