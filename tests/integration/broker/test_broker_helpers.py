"""The programs beside the brokers: one whose file is missing stops the start, one that dies is started again."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.harness.services import CLOUD_FILES, EDGE_FILES, LOOPBACK, wait_for
from tests.integration.broker.test_start import refusal
from tests.integration.honest import has_logged, may_write
from tests.support.mqtt import Client
from tests.support.rig import CloudBroker, copy_broker_files, running_cloud_broker

SECONDS = 20.0
HOLD_SECONDS = 6  # a busy machine takes some to ask whether it is held
BESIDE = [(CLOUD_FILES, file.name) for file in CLOUD_FILES.iterdir() if file.name != "start.sh"] + [
    (EDGE_FILES, file.name) for file in EDGE_FILES.iterdir() if file.name != "start.sh"
]


@pytest.fixture
def cloud_broker(tmp_path: Path) -> Iterator[CloudBroker]:
    with running_cloud_broker(tmp_path, None) as broker:
        yield broker


@pytest.mark.parametrize(("files", "name"), BESIDE, ids=lambda value: getattr(value, "name", value))
def test_a_missing_file_is_one_sentence_at_the_start(tmp_path: Path, files: Path, name: str) -> None:
    copied = copy_broker_files(files, tmp_path)
    (copied / name).unlink()
    data = {key: str(tmp_path) for key in ("RUN_DIR", "EDGE_BROKER_DATA", "CLOUD_BROKER_DATA")}

    code, said = refusal(None, copied, data)

    assert code == 64
    assert said.count("\n") == 1
    assert f"there is no {copied / name}; " in said


def test_whatever_dies_beside_the_broker_is_started_again_and_takes_up_its_work(cloud_broker: CloudBroker) -> None:
    with Client(cloud_broker.outside_port, credentials=cloud_broker.credentials("porch")) as porch:
        for program in ("watch.sh", "log.awk"):
            (found,) = programs(cloud_broker, program)
            os.kill(found, signal.SIGKILL)
        wait_for(lambda: health(cloud_broker)[0] == 0, seconds=SECONDS, what="health")
        assert cloud_broker.enrolment.connected() == {"porch"}
        with Client(cloud_broker.outside_port, credentials=cloud_broker.credentials("cellar")) as cellar:
            assert cellar.publish("usbcam/cellar/images", b"new").value == 0
        assert porch.connections == 1
    wait_for(lambda: not cloud_broker.enrolment.connected(), seconds=SECONDS, what="both to be gone")
    assert has_logged(cloud_broker, r"watch\.sh has ended; starting it again")
    assert not has_logged(cloud_broker, "health-")


@pytest.mark.parametrize(("program", "said"), [("log.awk", "nobody reads its log"), ("watch.sh", "nobody applies")])
def test_a_program_that_hangs_is_not_healthy(cloud_broker: CloudBroker, program: str, said: str) -> None:
    wait_for(lambda: health(cloud_broker) == (0, ""), seconds=SECONDS, what="health")
    (found,) = programs(cloud_broker, program)
    os.kill(found, signal.SIGSTOP)
    if program == "watch.sh":
        os.utime(cloud_broker.folder / "run" / "watching", (1, 1))  # as if it had hung for long

    code, sentence = health(cloud_broker)

    assert code == 1
    assert said in sentence
    os.kill(found, signal.SIGCONT)
    wait_for(lambda: health(cloud_broker)[0] == 0, seconds=SECONDS, what="health")


@pytest.mark.parametrize("moment", ["held", "being held"])
def test_whoever_is_held_off_comes_back_whatever_died_meanwhile(cloud_broker: CloudBroker, moment: str) -> None:
    held = cloud_broker.folder / "run" / "held"
    if moment == "held":
        run(cloud_broker, "hold.sh", "porch", str(HOLD_SECONDS))
        assert not may_write(cloud_broker, "porch")
        os.kill(programs(cloud_broker, "watch.sh")[0], signal.SIGKILL)
    else:  # it died between noting it and having it done
        (held / "porch").write_text("1\n")

    wait_for(lambda: not list(held.iterdir()), seconds=SECONDS, what="the end of it")

    assert may_write(cloud_broker, "porch")


def programs(broker: CloudBroker, name: str) -> list[int]:
    """The processes of the broker's session that run a file of this name."""
    assert broker.process is not None
    session, script = broker.process.popen.pid, f"/{name}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if os.getsid(int(folder.name)) == session and any(word.endswith(script) for word in words):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def environment(broker: CloudBroker) -> dict[str, str]:
    run_dir, data = broker.folder / "run", broker.folder / "data"
    given = {"BROKER_HOST": LOOPBACK, "CLOUD_BROKER_PORT": str(broker.port), "CLOUD_BROKER_DATA": str(data)}
    assert broker.process is not None
    own = {"CLOUD_IDENTITY": str(broker.enrolment.identity), "BROKER": str(broker.process.popen.pid)}
    return {"PATH": os.environ["PATH"], "RUN_DIR": str(run_dir), **given, **own}


def run(broker: CloudBroker, script: str, *arguments: str) -> tuple[int, str]:
    command = ["sh", str(CLOUD_FILES / script), *arguments]
    done = subprocess.run(command, env=environment(broker), capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stderr


def health(broker: CloudBroker) -> tuple[int, str]:
    return run(broker, "health.sh")
