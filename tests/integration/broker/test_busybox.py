"""The brokers' scripts as the official image runs them: with BusyBox' shell, awk and tools, and no others."""

import os
import signal
import stat
from pathlib import Path

import pytest

from dev.harness.services import CLOUD_FILES, EDGE_FILES, free_port, wait_for
from tests.integration.broker.test_broker_helpers import HOLD_SECONDS, SECONDS, health, programs, run
from tests.integration.broker.test_start import CLOUD_MISTAKES, DAMAGED, EDGE_MISTAKES, make_token, places, refusal
from tests.integration.honest import has_logged, may_write
from tests.support.mqtt import Client
from tests.support.programs.busybox import busybox_tools
from tests.support.rig import EdgeBroker, running_cloud_broker

BROKERS = ("mosquitto", "mosquitto_pub", "mosquitto_sub", "mosquitto_passwd")


@pytest.fixture(autouse=True)
def _busybox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(busybox_tools(tmp_path, (*BROKERS, "setpriv"))))


def test_brokers_of_busybox_carry_images_and_follow_enrolment(tmp_path: Path) -> None:
    with running_cloud_broker(tmp_path, None) as cloud:
        edge = EdgeBroker(tmp_path / "edge-broker", free_port(), cloud_port=cloud.outside_port)
        edge.start()
        with edge.camera() as camera:
            camera.publish("usbcam/images", b"png")
        with cloud.uploader("uploader", keep_session=True) as uploader:
            assert uploader.session_present
            uploader.subscribe("usbcam/+/images")
            (image,) = uploader.wait_for(1)
        assert (image.topic, image.payload) == ("usbcam/porch/images", b"png")
        assert stat.S_IMODE((edge.folder / "data" / "camera-password").stat().st_mode) == 0o600
        wait_for(lambda: health(cloud) == (0, ""), seconds=SECONDS, what="health")
        assert cloud.enrolment.connected() == {"porch"}
        for program in ("watch.sh", "log.awk"):
            assert Path(f"/proc/{programs(cloud, program)[0]}/exe").readlink().name == "busybox"

        cloud.enrolment.token("cellar")
        with Client(cloud.outside_port, credentials=cloud.credentials("cellar")) as cellar:
            assert cellar.publish("usbcam/cellar/images", b"new").value == 0
            assert cloud.enrolment.revoke("cellar")
            wait_for(lambda: cloud.enrolment.connected() == {"porch"}, seconds=SECONDS, what="its end")

        edge.kill()
        run(cloud, "hold.sh", "porch", str(HOLD_SECONDS))
        assert not may_write(cloud, "porch")
        for program in ("watch.sh", "log.awk"):
            os.kill(programs(cloud, program)[0], signal.SIGKILL)
        wait_for(lambda: may_write(cloud, "porch"), seconds=SECONDS, what="the end of it")
        wait_for(lambda: health(cloud) == (0, ""), seconds=SECONDS, what="health")
        assert has_logged(cloud, r"watch\.sh has ended; starting it again")
        assert not has_logged(cloud, r"health-|not found|syntax error|BusyBox")
        assert edge.process is not None
        assert not edge.process.tail().count("not found")


def test_brokers_of_busybox_say_what_is_wrong_in_the_same_sentences(tmp_path: Path) -> None:
    path, token = os.environ["PATH"], make_token(tmp_path)
    wrong = [(EDGE_FILES, places(None, tmp_path, token) | each, said) for each, said in EDGE_MISTAKES]
    wrong += [(CLOUD_FILES, {"CLOUD_BROKER_DATA": str(tmp_path)} | each, said) for each, said in CLOUD_MISTAKES]
    wrong += [(EDGE_FILES, places(None, tmp_path, token[:700] + token[701:]), DAMAGED)]

    for files, settings, said in wrong:
        status, printed = refusal(None, files, settings | {"PATH": path})
        assert status == 64, printed
        assert printed.startswith(f"{files.name}-broker: {said}")
        assert printed.count("\n") == 1
