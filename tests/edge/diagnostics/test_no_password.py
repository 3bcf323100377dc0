"""A running camera and its commands: no output of theirs holds a user or password of an address."""

import json
import urllib.request
from pathlib import Path

import pytest

from common.contract import topics
from dev.harness.process import LOOPBACK, free_port, wait_for
from dev.harness.services import camera_password, start_camera
from tests.edge.config.camera_urls import ADDRESSES, SECRET, USER
from tests.edge.rig import Run
from tests.support.rig import EdgeBroker

CONFIG = "homeassistant/device/"


def get(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/{path}", timeout=20) as answer:
        text: str = answer.read().decode()
        return text


@pytest.mark.timeout(170)
def test_no_output_of_a_running_camera_holds_a_password(
    tmp_path: Path, run_camera: Run, edge_broker: EdgeBroker
) -> None:
    urls = [address for address in ADDRESSES if "://" in address and not set(address) & set(" \t\n")][::5]
    settings = {
        "CAMERAS": " ".join(f"c{number}={url}" for number, url in enumerate(urls)),
        "LIVE_PORT": str(free_port()),
        "EDGE_BROKER_HOST": LOOPBACK,
        "EDGE_BROKER_PORT": str(edge_broker.port),
        "EDGE_BROKER_PASSWORD_FILE": str(camera_password(edge_broker.folder)),
        "HOMEASSISTANT": "on",
        "SPOOL_DIR": str(tmp_path / "spool"),
        "HEARTBEAT_FILE": str(tmp_path / "beat.json"),
        "LOG_LEVEL": "DEBUG",
    }
    beat, statuses = tmp_path / "beat.json", {topics.status(f"c{number}") for number in range(len(urls))}
    with edge_broker.camera() as reader:
        reader.subscribe("#")
        camera = start_camera(tmp_path / "camera", **settings)
        wait_for(
            lambda: beat.exists() and all(each["problem"] for each in json.loads(beat.read_text())["cameras"].values()),
            seconds=60,
            what="a problem of each camera",
        )
        wait_for(
            lambda: (
                {
                    each.topic
                    for each in list(reader.messages)
                    if each.topic in statuses and b'"problem": "' in each.payload
                }
                == statuses
            ),
            seconds=60,
            what="the problem in each status",
        )
        published = {message.topic: message.payload.decode() for message in list(reader.messages)}

    port = int(settings["LIVE_PORT"])
    shown = [get(port, path) for path in ("", "state.json", "metrics")]
    done = [run_camera("health", HEARTBEAT_FILE=settings["HEARTBEAT_FILE"]), run_camera("doctor", **settings)]
    done += [
        run_camera(*command, CAMERA_SOURCE=url, CAMERA_NAME=url, SPOOL_DIR="spool")
        for url in urls[:2]
        for command in (["snapshot"], [])
    ]
    done += [run_camera("detect", *urls), *(run_camera("captures", url, "--out", "kept") for url in urls[:2])]
    camera.kill()
    shown += [beat.read_text(), camera.log.read_text(), *(text for each in done for text in (each.stdout, each.stderr))]

    assert {topic.startswith(CONFIG) for topic in published} == {True, False}
    assert all("CAMERA_SOURCE=rtsp://" in text for text in (shown[1], camera.log.read_text(), done[1].stdout))
    assert [text for text in (*shown, *published.values(), *published) if SECRET in text or USER in text] == []
