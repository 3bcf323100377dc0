"""Every command in every document is one that works: a test runs it, or a reason says why none does."""

import re
import subprocess
from pathlib import Path

import pytest
from pydantic import ValidationError

from camera.config.settings import Settings
from dev.documents.env_example import example_settings
from tests.deploy.shipped import documents
from tests.documents.commands import NOT_RUN, RUN_BY, SETTING, shell_commands, usbcam_commands
from tests.support.paths import ROOT

COMMANDS = sorted({command for _, command in shell_commands()})
FRONT_DOOR = ("tests/cli", "tests/e2e")
# `./usbcam renew` and `revoke` only pass their name on to the enrolment, whose tests run both with a broker.
PASSED_ON = {
    "help": ("tests/documents/test_commands.py", '"help"'),
    "notify": ("tests/cloud/gallery/fleet/test_running_fleet.py", '"notify", "test"'),
    "renew": ("tests/cloud/enroll", '"--renew"'),
    "revoke": ("tests/cloud/enroll", '"--revoke"'),
}


def runner(command: str) -> str | None:
    """Tell which file runs a command; None if none does."""
    if command.startswith("./usbcam"):
        return "./usbcam"  # see below
    if SETTING.match(command) and not re.search(r" \.(/|venv)", command):
        return "a setting"  # see below
    return next((file for beginning, file, _ in RUN_BY if command.startswith(beginning)), None)


def sources(place: str) -> str:
    """Return the text of a file, or of all Python files of a folder."""
    path = ROOT / place
    files = [path] if path.is_file() else sorted(path.rglob("*.py"))
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_run_by_a_test_or_there_is_a_reason_why_not(command: str) -> None:
    reasons = [reason for beginning, reason in NOT_RUN.items() if command.startswith(beginning)]

    assert (runner(command) is not None) != bool(reasons), f"name a test or a reason for: {command}"


@pytest.mark.parametrize(("beginning", "place", "words"), RUN_BY)
def test_a_test_that_is_named_runs_the_command(beginning: str, place: str, words: str) -> None:
    assert words in sources(place), f"{place} does not run {beginning} any more"


def test_no_test_or_reason_is_named_for_a_command_that_no_document_has() -> None:
    beginnings = [*(beginning for beginning, _, _ in RUN_BY), *NOT_RUN]
    text = "\n".join(file.read_text(encoding="utf-8") for file in documents())

    unused = [each for each in beginnings if each.strip() not in text and not any(c.startswith(each) for c in COMMANDS)]
    assert unused == []


@pytest.mark.parametrize("command", sorted(usbcam_commands()))
def test_what_documents_call_usbcam_with_is_explained_by_its_help(command: str) -> None:
    word = command.split()[1]
    done = subprocess.run(["./usbcam", "help", word], cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)

    assert done.returncode == 0, done.stderr
    assert f"./usbcam {word}" in done.stdout
    for option in re.findall(r"--[a-z]+", command):
        assert option in done.stdout


@pytest.mark.parametrize("word", sorted({command.split()[1] for command in usbcam_commands()}))
def test_a_test_runs_each_command_of_usbcam_that_documents_name(word: str) -> None:
    place, words = PASSED_ON.get(word, ("", ""))
    run = any(
        f'usbcam("{word}"' in sources(folder) or f'"./usbcam", "{word}"' in sources(folder) for folder in FRONT_DOOR
    )

    assert run or (place and words in sources(place)), f"no test runs ./usbcam {word}"


@pytest.mark.parametrize("line", [command for command in COMMANDS if runner(command) == "a setting"])
def test_a_setting_in_a_block_can_be_set_so(line: str) -> None:
    name, _, value = line.partition("=")

    assert name in {setting.name for setting in example_settings()}
    if name.lower() in Settings.model_fields:
        try:
            Settings(**{name.lower(): value})  # type: ignore[arg-type]
        except ValidationError as error:
            pytest.fail(f"{line}: {error}")


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("make")])
def test_a_target_of_make_is_there(command: str) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)

    assert not command.split()[1:] or command.split()[1] in targets


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("./test tests")])
def test_a_test_that_a_document_names_is_there(command: str) -> None:
    assert Path(ROOT, command.split()[1]).exists()
