"""./usbcam in every shell that is here, with a docker in its place that only writes down what it is asked."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

import pytest

from dev.harness.services import wait_for
from tests.support.paths import ROOT
from tests.support.programs.busybox import busybox_tools

SHELLS = [("dash",), pytest.param(("busybox", "sh"), marks=pytest.mark.long)]
RIGHT = "ROLE=cloud\nCLOUD_HOST=cam.example.com\nS3_BUCKET=faces\n"
DOCKER = """#!/bin/sh
echo "$*" >>"$ASKED"
case "$*" in
    *" enroll porch") echo EDGE_TOKEN=x; echo told >&2; exec sleep "${SLOW-0}" ;;
    *" uploader check") exec sleep "${SLOW-0}" ;;
    *" build "*)
        [ -z "${SLOW-}" ] || exec sleep 60
        [ "$(grep -c ' build ' "$ASKED")" -gt "${BUSY-0}" ] || { echo "$WHY" >&2; exit 1; } ;;
    *" up "*)
        [ -z "${BROKEN-}" ] || { echo "$TAKEN" >&2; exit 1; }
        [ "$(grep -c ' up ' "$ASKED")" -gt "${UNHEALTHY-0}" ] || { echo "container x is unhealthy" >&2; exit 1; } ;;
    *" ps "*) [ -z "${RUNS-}" ] || echo container ;;
    "inspect --format {{.RestartCount}}"*) echo "${ENDED-0} ${STATE-running unhealthy}" ;;
esac
"""


PYTHON = f'#!/bin/sh\nexec {sys.executable} -S "$@"\n'  # a host's has none of our libraries


class Door:
    """What ./usbcam consists of, with a .env of its own, and what a host has: a shell, its tools and a bare Python."""

    def __init__(self, folder: Path, shell: tuple[str, ...], tools: Path) -> None:
        self.folder, self.shell = folder / "here", (shutil.which(shell[0]) or shell[0], *shell[1:])
        self.folder.mkdir()
        for file in ("usbcam", ".env.example", "docker-compose.edge.yml", "docker-compose.cloud.yml"):
            shutil.copy2(ROOT / file, self.folder / file)
        shutil.copytree(ROOT / "mosquitto", self.folder / "mosquitto")
        for name in ("cli", "common"):  # by a link, Python compiles them once for all tests
            (self.folder / name).symlink_to(ROOT / name)
        self.stderr: BinaryIO | int = subprocess.STDOUT
        self.asked = folder / "asked"
        self.asked.write_text("")
        self.programs, self.tools = folder / "bin", tools
        self.programs.mkdir()
        self._program("docker", DOCKER)
        self._program("python3", PYTHON)
        self.has_busybox = shell[0] == "busybox"
        path = f"{self.programs}:{tools if self.has_busybox else os.environ['PATH']}"
        self.environment = {"PATH": path, "HOME": str(folder), "ASKED": str(self.asked)}

    def _program(self, name: str, text: str) -> None:
        (self.programs / name).write_text(text)
        (self.programs / name).chmod(0o755)

    def without_docker(self) -> None:
        """Take docker away, and put a Python in the place of .venv's that only says what it is asked."""
        (self.programs / "docker").unlink()
        self.environment["PATH"] = f"{self.programs}:{self.tools}"
        python = self.folder / ".venv/bin/python"
        python.parent.mkdir(parents=True)
        python.write_text('#!/bin/sh\necho "$*"\n')
        python.chmod(0o755)

    def start(self, *words: str, **settings: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [*self.shell, "here/usbcam", *words],
            cwd=self.folder.parent,
            env=self.environment | settings,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self.stderr,
            text=True,
        )

    def __call__(self, *words: str, **settings: str) -> tuple[int, str]:
        process = self.start(*words, **settings)
        printed, _ = process.communicate(timeout=60)
        return process.returncode, printed

    def env(self, text: str) -> None:
        (self.folder / ".env").write_text(text, encoding="utf-8")

    def started(self) -> list[str]:
        return [line for line in self.asked.read_text().splitlines() if " up " in line or " run " in line]


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return busybox_tools(tmp_path_factory.mktemp("tools"))


@pytest.fixture(params=SHELLS, ids=["dash", "busybox sh"])
def usbcam(request: pytest.FixtureRequest, tmp_path: Path, tools: Path) -> Door:
    if shutil.which(request.param[0]) is None:
        pytest.skip(f"there is no {request.param[0]}")
    return Door(tmp_path, request.param, tools)


def test_every_command_has_a_description_and_an_example(usbcam: Door) -> None:
    status, listed = usbcam("help")
    names = [line.split()[0] for line in listed.splitlines() if line.startswith("  ")]

    assert status == 0
    assert {"init", "up", "status", "doctor", "setup", "enroll", "upgrade", "restore", "help"} < set(names)
    for name in names:
        status, told = usbcam(name, "--help")
        assert status == 0
        assert "Example:\n  " in told
        assert f"./usbcam {name}" in told


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("stat",), "there is no command stat"),
        (("..",), "there is no command .."),
        (("up", "now"), "up takes no now"),
        (("enroll",), "enroll takes the name of an edge"),
        (("enroll", "--list"), "enroll takes the name of an edge and no --list; ./usbcam edges lists all"),
        (("revoke", "porch", "shed"), "revoke takes the name of an edge"),
        (("pause", "porch", "shed"), "pause takes one camera or nothing"),
        (("resume", "--all"), "resume takes one camera or nothing"),
        (("snapshot", "a.jpg", "b.jpg"), "snapshot takes a file and --camera NAME"),
        (("link", "a.png", "b.png"), "link takes the key of a picture"),
        (("logs", "camera", "uploader"), "logs takes one service or nothing, and not uploader too"),
        (("help", "up", "down"), "help takes one command, and not down too"),
        (("notify", "test", "now"), "notify takes the word test"),
        (("uninstall", "--all", "now"), "uninstall takes --all or nothing, and not --all now"),
        (("init",), "./usbcam init edge or ./usbcam init cloud"),
        (("uninstall", "--everything"), "uninstall takes --all or nothing"),
        (("restart", "kamera"), "there is no service kamera; there are camera, edge-broker"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_sentence(usbcam: Door, words: tuple[str, ...], sentence: str) -> None:
    status, said = usbcam(*words)

    assert status == 2
    assert sentence in said
    assert len(said.splitlines()) == 1


def test_a_word_too_many_is_refused_by_every_command(usbcam: Door) -> None:
    """A command that takes none names the word, the others what they take; each shell tries half of them."""
    usbcam.env(RIGHT)
    word = "--quiet" if usbcam.has_busybox else "now"
    listed = re.findall(r"^  ([a-z]+)( .+?)?  ", usbcam("help")[1], re.MULTILINE)

    for command, takes in listed[usbcam.has_busybox :: 2]:
        words = [*takes.lower().split(" or ")[0].replace("]", " ").replace("[", " ").split(), word]
        status, said = usbcam(command, *words, word) if takes else usbcam(command, word)
        assert (status, len(said.splitlines())) == (2, 1), (command, said)
        assert takes or f"{command} takes no {word}" in said
    assert usbcam.asked.read_text() == ""


def test_without_docker_nothing_is_named_that_needs_it(usbcam: Door) -> None:
    usbcam.without_docker()
    usbcam.env(RIGHT)

    _, ready = usbcam("init", "cloud")
    status, shown = usbcam("status")

    assert "docs/how-to/install.md#without-docker starts" in ready
    assert (status, shown.splitlines()[1:]) == (0, ["-m uploader status"])
    for command in ("up", "down", "logs", "restart", "upgrade", "uninstall"):
        status, said = usbcam(command)
        assert (status, len(said.splitlines())) == (1, 1), said
        assert "this needs Docker with Compose 2.20 or newer; without it see docs/how-to/install.md" in said


@pytest.mark.parametrize("command", ["up", "check", "doctor", "setup"])
def test_a_wrong_env_stops_everything_before_a_container_starts(usbcam: Door, command: str) -> None:
    usbcam.env(RIGHT + "CAMERA_SORCE=auto\n")

    status, said = usbcam(command)

    assert (status, said) == (2, "usbcam: .env line 4: CAMERA_SORCE is no setting; did you mean CAMERA_SOURCE?\n")
    assert usbcam.started() == []


@pytest.mark.parametrize("line", ["ROLE=Edge", "ROLE = edge", "export ROLE=edge", "\ufeffROLE=edge"])
def test_a_role_that_is_not_understood_is_named_with_its_line(usbcam: Door, line: str) -> None:
    usbcam.env(f"{line}\n")

    status, said = usbcam("status")

    assert status == 2
    assert said.startswith("usbcam: .env line 1: ")
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("kind", ["folder", "empty", "somebody else's", "socket", "garbage"])
def test_what_is_no_file_of_settings_gets_a_sentence(usbcam: Door, kind: str) -> None:
    file = usbcam.folder / ".env"
    if kind == "folder":
        file.mkdir()
    elif kind == "socket":
        os.mkfifo(file)
    else:
        file.write_text("<p>no</p>\n" * 30 if kind == "garbage" else "")
        file.chmod(0 if kind == "somebody else's" else 0o600)
    if kind == "somebody else's" and os.access(file, os.R_OK):
        pytest.skip("root may read everything")

    status, said = usbcam("up")

    fix = {"somebody else's": "run: sudo chown", "garbage": "and 18 more; see whether .env is the right file"}
    assert fix.get(kind, "./usbcam init edge or ./usbcam init cloud") in said.splitlines()[-1]
    assert (status in {1, 2}, len(said.splitlines())) == (True, 13 if kind == "garbage" else 1)
    assert usbcam.started() == []


def test_the_check_of_env_speaks_the_language_of_who_types(usbcam: Door) -> None:
    usbcam.env(RIGHT + "CAMERA_SORCE=auto\n")

    status, said = usbcam("check", LANG="de_DE.UTF-8")

    assert status == 2
    assert said == "usbcam: .env Zeile 4: CAMERA_SORCE ist keine Einstellung; ist CAMERA_SOURCE gemeint?\n"


def test_without_an_env_it_says_how_to_get_one(usbcam: Door) -> None:
    assert usbcam("up") == (1, "usbcam: there is no .env yet; ./usbcam init edge or ./usbcam init cloud writes one\n")


def test_up_calls_compose_as_one_would_by_hand(usbcam: Door) -> None:
    usbcam.env(RIGHT)

    status, said = usbcam("up")

    assert status == 0, said
    (up,) = usbcam.started()
    assert "-f docker-compose.cloud.yml up --detach --no-build --wait" in up
    assert "gallery: http://127.0.0.1:8081" in said
    assert "./usbcam enroll NAME" in said


@pytest.mark.parametrize(
    ("why", "status", "builds"),
    [("DeadlineExceeded: context deadline exceeded", 0, 2), ("failed to solve: no space left on device", 1, 1)],
)
def test_a_build_that_a_busy_engine_gave_up_is_tried_again(usbcam: Door, why: str, status: int, builds: int) -> None:
    usbcam.env(RIGHT)

    done, said = usbcam("up", BUSY="1", WHY=why)

    asked = [line for line in usbcam.asked.read_text().splitlines() if " build " in line]
    assert (done, len(asked)) == (status, builds), said


@pytest.mark.parametrize("written", ["cloud ", '"cloud" # this laptop', "'cloud'  ", "cloud # rented", "cloud\r"])
def test_a_value_is_read_as_compose_reads_it(usbcam: Door, written: str) -> None:
    usbcam.env(RIGHT.replace("ROLE=cloud", f"ROLE={written}") + f"GALLERY_PORT={written.replace('cloud', '9091')}\n")

    status, said = usbcam("open")

    assert status == 0, said
    assert "http://127.0.0.1:9091 " in f"{said} ".replace("\n", " ")


def test_down_keeps_what_waits(usbcam: Door) -> None:
    usbcam.env(RIGHT)

    status, said = usbcam("down")

    (asked,) = [line for line in usbcam.asked.read_text().splitlines() if " down" in line]
    assert (status, asked.rsplit(maxsplit=1)[-1]) == (0, "down")
    assert "./usbcam up starts again" in said


def test_one_service_restarts_and_is_waited_for(usbcam: Door) -> None:
    usbcam.env(RIGHT)

    status, said = usbcam("restart", "uploader", RUNS="1")

    asked = [line for line in usbcam.asked.read_text().splitlines() if " up " in line or " restart " in line]
    assert status == 0, said
    assert [line.split(".yml ")[1].split()[0] for line in asked] == ["restart", "up"]
    assert asked[0].endswith("restart uploader")


def test_a_port_that_is_taken_is_one_sentence(usbcam: Door) -> None:
    usbcam.env(RIGHT)

    status, said = usbcam("up", BROKEN="1", TAKEN="Bind for 127.0.0.1:8081 failed: port is already allocated")

    assert status == 1
    assert said.splitlines()[-1].startswith("usbcam: port 8081 is taken by another program; set another ")


@pytest.mark.parametrize("command", ["up", "upgrade"])
def test_a_service_that_is_unhealthy_for_a_moment_is_waited_for(usbcam: Door, command: str) -> None:
    usbcam.env(RIGHT)

    status, said = usbcam(command, UNHEALTHY="1", RUNS="1")

    assert status == 0, said
    assert len(usbcam.started()) == 2


def test_an_upgrade_waits_no_longer_than_it_should(usbcam: Door) -> None:
    usbcam.env(RIGHT)

    status, said = usbcam("upgrade", UNHEALTHY="2", RUNS="1", UPGRADE_SECONDS="1")

    assert status == 1
    assert "the new version was not healthy, so the old one runs again" in said


def test_a_service_that_ends_again_and_again_is_not_waited_for(usbcam: Door) -> None:
    usbcam.env(RIGHT)

    status, said = usbcam("up", UNHEALTHY="9", RUNS="1", ENDED="3", STATE="restarting")

    assert status == 1, said
    assert len(usbcam.started()) == 1


def test_what_enrolment_prints_comes_out_where_it_should(usbcam: Door) -> None:
    usbcam.env(RIGHT)
    command = [*usbcam.shell, "here/usbcam", "enroll", "porch"]

    done = subprocess.run(
        command,
        cwd=usbcam.folder.parent,
        env=usbcam.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stdout) == (0, "EDGE_TOKEN=x\n")
    assert done.stderr.startswith("told\n")


@pytest.mark.parametrize(("words", "asked"), [("enroll porch", "enroll porch"), ("check", "uploader check")])
def test_a_stop_while_a_part_works_is_one_line(usbcam: Door, words: str, asked: str) -> None:
    usbcam.env(RIGHT)
    process = usbcam.start(*words.split(), SLOW="60")
    wait_for(lambda: asked in usbcam.asked.read_text(), seconds=30, what="the part")

    process.send_signal(signal.SIGTERM)
    printed, _ = process.communicate(timeout=30)

    assert process.returncode == 143
    assert printed.removeprefix("pass     .env              every setting is understood\n") == "usbcam: stopped\n"


def test_a_stop_is_said_on_a_line_of_its_own_where_a_terminal_shows_what_is_typed(usbcam: Door) -> None:
    usbcam.env(RIGHT)
    terminal, end = os.openpty()
    with os.fdopen(terminal, "rb", buffering=0) as shown, os.fdopen(end, "wb", buffering=0) as usbcam.stderr:
        process = usbcam.start("enroll", "porch", SLOW="60")
        wait_for(lambda: "enroll porch" in usbcam.asked.read_text(), seconds=30, what="the enrolment")

        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)

        assert process.returncode == 130
        assert [shown.readline(), shown.readline()] == [b"\r\n", b"usbcam: stopped\r\n"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_while_it_builds_is_one_line_and_leaves_nothing_running(usbcam: Door, number: signal.Signals) -> None:
    usbcam.env(RIGHT)
    process = usbcam.start("up", SLOW="1")
    wait_for(lambda: " build" in usbcam.asked.read_text(), seconds=30, what="the build")

    process.send_signal(number)
    printed, _ = process.communicate(timeout=30)

    assert process.returncode == 128 + number
    assert printed.splitlines()[-1] == "usbcam: stopped"


def test_init_writes_what_it_is_told_and_keeps_the_rest_when_it_is_run_again(usbcam: Door) -> None:
    first = usbcam("init", "cloud", "CLOUD_HOST=cam.example.com", "S3_BUCKET=faces", "LIVE_PASSWORD=a$b 'c")
    again = usbcam("init", "edge", "CAMERA_SOURCE=demo")
    text = (usbcam.folder / ".env").read_text(encoding="utf-8")

    assert (first[0], again[0]) == (0, 0)
    assert {"ROLE=both", "CLOUD_HOST=cam.example.com", "S3_BUCKET=faces", "CAMERA_SOURCE=demo"} < set(text.splitlines())
    assert r"LIVE_PASSWORD='a$b \'c'" in text
    assert (usbcam.folder / ".env").stat().st_mode & 0o077 == 0
    assert usbcam("config")[1].count("LIVE_PASSWORD=(set)") == 1
    assert "a$b" not in usbcam("config")[1]


def test_init_refuses_an_answer_that_cannot_be_right(usbcam: Door) -> None:
    status, said = usbcam("init", "cloud", "CLOUD_HOST=https://cam.example.com", "S3_BUCKET=faces")

    assert (status, said) == (2, "usbcam: CLOUD_HOST has https:// before it; write the name or address alone\n")


def test_a_command_of_the_other_host_says_where_it_belongs(usbcam: Door) -> None:
    usbcam.env("ROLE=edge\n")

    status, said = usbcam("enroll", "porch")

    assert status == 1
    assert said.startswith("usbcam: this host is not the cloud host (ROLE in .env); run it there")


def test_open_prints_where_the_pages_of_this_host_are(usbcam: Door) -> None:
    usbcam.env(RIGHT + "GALLERY_PORT=8099\n")

    status, said = usbcam("open")

    assert status == 0
    assert "gallery: http://127.0.0.1:8099" in said
    assert "live page" not in said


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("./usbcam sta", "status"),
        ("./usbcam res", "resume restore restart"),
        ("./usbcam help upg", "upgrade"),
        ("./usbcam logs cam", "camera"),
        ("./usbcam init ", "edge cloud"),
        ("./usbcam notify ", "test"),
        ("./usbcam up ", ""),
    ],
)
def test_tab_completes_what_can_come_next(typed: str, offered: str) -> None:
    words = f'{typed.strip()} ""' if typed.endswith(" ") else typed
    script = f"source cli/completion.bash; COMP_WORDS=({words}) COMP_CWORD={typed.count(' ')}; _usbcam"
    script += '; echo "${COMPREPLY[*]}"'

    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)

    assert (done.stdout.strip(), done.stderr) == (offered, "")
