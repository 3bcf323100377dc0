"""`./usbcam init`: asks what a host needs to know, and writes it into .env."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import NamedTuple, Sequence

from cli.settings import spoken
from cli.settings.dotenv import edit
from cli.settings.dotenv.env_file import Assignment, EnvFile, read
from cli.settings.names import correct, is_known, is_secret
from cli.settings.rules.files import token_fields
from cli.settings.rules.hosts import in_containers
from cli.settings.rules.values import problem
from cli.settings.shown import SOURCES, is_plain

NAME = re.compile(r"[\w-]*")


class Question(NamedTuple):
    """One setting that a person must think about."""

    name: str
    text: str
    required: bool = False


QUESTIONS = {
    "cloud": (
        Question("CLOUD_HOST", "By which name or address do edges reach this host?", required=True),
        Question("S3_BUCKET", "What is the bucket called? ./usbcam setup makes it if it is not there.", required=True),
        Question("AWS_REGION", "In which region is it?"),
        Question("AWS_ACCESS_KEY_ID", "Which access key? Leave it empty on EC2, where the instance's role is used."),
        Question("AWS_SECRET_ACCESS_KEY", "And the secret access key?"),
    ),
    "edge": (
        Question("EDGE_TOKEN", "Paste the EDGE_TOKEN line that ./usbcam enroll NAME printed on the cloud host."),
        Question("CAMERA_SOURCE", "Which camera? auto is the first USB camera; or rtsp://..., or demo."),
    ),
}


class InitError(Exception):
    """What cannot be written; each argument is a sentence for the user."""


def init(file: Path, role: str, given: Sequence[str]) -> None:
    """Write .env for this role with the answers given, or ask for them; raises InitError and EnvFileError."""
    answers = dict(_parsed(given))
    new = not file.exists()
    edit.make(file)
    if read(file).problems and not new:
        raise InitError(*map(str, read(file).problems))
    _check(file, answers)
    for name, value in answers.items():
        edit.put(file, name, value)
    _put_role(file, role)
    if not answers and sys.stdin.isatty():
        _ask_all(file, role)
    _report(file, role)


def put(file: Path, given: str) -> None:
    """Set one NAME=VALUE; raises InitError."""
    answers = dict(_parsed([given]))
    edit.make(file)
    _check(file, answers)
    for name, value in answers.items():
        edit.put(file, name, value)


def _parsed(given: Sequence[str]) -> list[tuple[str, str]]:
    pairs = []
    for word in given:
        name, found, value = word.partition("=")
        if not found:
            raise InitError(f"{word if is_plain(SOURCES[0], word) else 'this'} is no answer; write NAME=VALUE")
        if not is_known(name):
            shown = name if NAME.fullmatch(name) else "this"
            meant = correct(name)
            raise InitError(f"{shown} is no setting; did you mean {meant}?" if meant else f"{shown} is no setting")
        pairs.append((name, value))
    return pairs


def _check(file: Path, answers: dict[str, str]) -> None:
    """Refuse what can never be right; a pair is judged together."""
    found = read(file)
    settings = {**found.settings}
    for name, value in answers.items():
        settings[name] = Assignment(name, value, 0)
    env = EnvFile(settings, ())
    wrong = [f"{name} {why}" for name, value in answers.items() for why in [problem(name, value, env)] if why]
    if wrong:
        raise InitError(*wrong)


def _put_role(file: Path, role: str) -> None:
    before = read(file).get("ROLE")
    edit.put(file, "ROLE", role if before in {"", role} else "both")


def _ask_all(file: Path, role: str) -> None:
    _say(f"Press Enter to keep what is in [ ]. Everything else is in {file.name}, each setting with a sentence.")
    for question in QUESTIONS[role]:
        env = read(file)
        if question.name == "AWS_SECRET_ACCESS_KEY" and not env.get("AWS_ACCESS_KEY_ID"):
            continue
        _ask(file, question, env)


def _ask(file: Path, question: Question, env: EnvFile) -> None:
    now = env.get(question.name)
    shown = now if is_plain(question.name, now) and not is_secret(question.name) else spoken.word("set")
    print()
    _say(question.text)
    while True:
        answer = _input(f"  {question.name} [{shown}]: ").strip()
        answer = re.sub(rf"^{question.name}=", "", answer).strip("'\"")
        if not answer:
            if now or not question.required:
                return
            _say("  This one is needed.")
            continue
        wrong = _wrong(question.name, answer, env)
        if wrong is None:
            edit.put(file, question.name, answer)
            return
        _say(f"  That {wrong}.")


def _wrong(name: str, answer: str, env: EnvFile) -> str | None:
    """Judge an answer; of a pair, the other half is asked for next."""
    if name == "AWS_ACCESS_KEY_ID" and not env.get("AWS_SECRET_ACCESS_KEY"):
        return None
    return problem(name, answer, env)


def _say(text: str) -> None:
    print(spoken.sentence(text))


def _input(prompt: str) -> str:
    try:
        return input(prompt)
    except EOFError:
        raise InitError("the questions were not answered; what was answered is in .env") from None


def _report(file: Path, role: str) -> None:
    env = read(file)
    open_ones = [question.name for question in QUESTIONS[role] if question.required and not env.get(question.name)]
    for name in open_ones:
        _say(f"Still to be set in {file.name}: {name}")
    fields = token_fields(env.get("EDGE_TOKEN")) if role == "edge" and env.get("EDGE_TOKEN") else None
    if fields:
        _say(f"This edge is {fields['name']}; its cloud host is {env.get('CLOUD_HOST') or fields['host']}.")
    if not open_ones:
        starts = f"{'./usbcam up' if in_containers() else 'docs/how-to/install.md#without-docker'} starts"
        following = f"./usbcam setup makes the bucket, then {starts}" if role == "cloud" else starts
        _say(f"{file.name} is ready. Next: {following}.")
