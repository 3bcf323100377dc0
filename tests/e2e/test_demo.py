"""The demo in containers: from the camera to the bucket, by services that may do little else."""

import json
import re
import subprocess

import pytest

from dev.demo import containers as compose
from dev.harness.services import s3_client
from tests.e2e.bucket import assert_as_documented, wait_for_captures

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]  # the first build downloads

SETTINGS = compose.read_settings()
SERVICES = (*compose.PARTS, "camera")


def test_captures_arrive_in_the_bucket_as_documented(demo: compose.Demo) -> None:
    client = s3_client(demo.address("store", 8333), SETTINGS["AWS_ACCESS_KEY_ID"], SETTINGS["AWS_SECRET_ACCESS_KEY"])

    captures = wait_for_captures(client, SETTINGS["S3_BUCKET"], 5)

    for stored in captures:
        assert_as_documented(stored, SETTINGS["EDGE_NAME"], SETTINGS["CAMERA_NAME"])


def test_the_demo_counts_what_arrives(demo: compose.Demo) -> None:
    counting = demo.start_progress(1)

    printed, _ = counting.communicate(timeout=120)

    assert counting.returncode == 0, printed
    assert "over the bridge" in printed


def test_the_cloud_broker_shows_images_with_their_properties(demo: compose.Demo) -> None:
    listen = ["mosquitto_sub", "-V", "5", "-t", "usbcam/+/images", "-C", "1", "-W", "60", "-F", "%t %l %C %P"]

    seen = demo.run("exec", "-T", "cloud-broker", *listen)

    topic, size, content_type, properties = seen.split(" ", 3)
    assert (topic, content_type) == (f"usbcam/{SETTINGS['EDGE_NAME']}/images", "image/png")
    assert int(size) > 1000
    for name in ("schema:1", "id:2", f"camera:{SETTINGS['CAMERA_NAME']}", "captured_at:2", "box:", "score:0."):
        assert name in properties


def test_the_camera_hears_that_its_captures_are_stored(demo: compose.Demo) -> None:
    listen = ["mosquitto_sub", "-V", "5", "-t", "usbcam/receipts", "-C", "1", "-W", "60"]

    receipt = json.loads(demo.run("exec", "-T", "edge-broker", *listen))

    assert receipt["stored"][0]["key"].startswith(f"{SETTINGS['EDGE_NAME']}/{SETTINGS['CAMERA_NAME']}/")


@pytest.mark.parametrize("service", SERVICES)
def test_a_process_has_no_rights_and_can_get_none(demo: compose.Demo, service: str) -> None:
    text = demo.run("exec", "-T", service, "cat", "/proc/1/status")
    status = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)

    assert set(status["Uid"].split()).isdisjoint({"0"})
    assert set(status["Gid"].split()).isdisjoint({"0"})
    assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert status["NoNewPrivs"] == "1"


WRITABLE = {
    "store": {"/tmp", "/objects"},
    "cloud-broker": {"/tmp", "/mosquitto/data"},
    "uploader": {"/tmp", "/journal"},
    "gallery": {"/tmp", "/thumbnails", "/gallery-state"},
    "edge-broker": {"/tmp", "/mosquitto/data", "/mosquitto/log"},  # there the camera's login
    "camera": {"/tmp", "/spool"},
}


@pytest.mark.parametrize("service", SERVICES)
def test_a_process_can_write_to_its_own_places_alone(demo: compose.Demo, service: str) -> None:
    kernel = ("/proc", "/sys", "/dev", "/hostdev")  # of the container, not of the host
    mounts = [line.split()[1:4] for line in demo.run("exec", "-T", service, "cat", "/proc/mounts").splitlines()]
    free = sorted(
        {place for place, _, options in mounts if "rw" in options.split(",") and not place.startswith(kernel)}
    )

    writable = ["sh", "-c", 'for place; do test ! -w "$place" || echo "$place"; done', "sh", *free]

    assert "/" not in free
    assert set(demo.run("exec", "-T", service, *writable).split()) == WRITABLE[service]


@pytest.mark.parametrize("service", SERVICES)
def test_docker_itself_tells_that_a_container_is_locked_up(demo: compose.Demo, service: str) -> None:
    container = demo.run("ps", "--quiet", service).strip()
    done = subprocess.run(["docker", "inspect", container], capture_output=True, text=True, check=True)
    (inspected,) = json.loads(done.stdout)

    host = inspected["HostConfig"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", inspected["Config"]["User"])
    assert (host["ReadonlyRootfs"], host["Privileged"], host["CapAdd"], host["CapDrop"]) == (True, False, None, ["ALL"])
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["Memory"] > 0
    assert "PRIVATE KEY" not in done.stdout


def test_enrolment_has_no_rights_and_no_network(demo: compose.Demo) -> None:
    look = "grep -E '^(Uid|Gid|CapEff|CapBnd|NoNewPrivs)' /proc/self/status; ls /sys/class/net; ! touch /x /app/x 2>&1"

    said = demo.run("--progress", "quiet", "run", "--rm", "-T", "--entrypoint", "sh", "enroll", "-c", look).split()

    assert said[:10] == ["Uid:", *["1883"] * 4, "Gid:", *["1883"] * 4]
    assert said[10:16] == ["CapEff:", "0" * 16, "CapBnd:", "0" * 16, "NoNewPrivs:", "1"]
    assert said[16] == "lo"
    assert "Read-only" in said[17:]


def test_the_authoritys_key_is_out_of_everybodys_reach(demo: compose.Demo) -> None:
    for service in SERVICES:
        assert demo.run("exec", "-T", service, "sh", "-c", "ls /authority/ca.pem 2>/dev/null || true") == ""


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_cannot_change_its_own_program(demo: compose.Demo, service: str) -> None:
    tries = "for place in / /usr /app /etc /mosquitto/config; do ! touch $place/x 2>/dev/null || echo $place; done"

    assert demo.run("exec", "-T", service, "sh", "-c", tries) == ""


@pytest.mark.parametrize("service", ["edge-broker", "cloud-broker"])
def test_nothing_but_mosquitto_runs_in_a_broker(demo: compose.Demo, service: str) -> None:
    programs = demo.run("exec", "-T", service, "sh", "-c", "cat /proc/1/comm; ls /usr/bin/python* 2>/dev/null || true")

    assert programs.split() == ["mosquitto"]


def test_every_service_says_that_it_is_healthy(demo: compose.Demo) -> None:
    listed = demo.run("ps", "--format", "{{.Service}} {{.Health}}").splitlines()

    assert sorted(listed) == sorted(f"{service} healthy" for service in SERVICES)
