"""A running camera and its commands: no output of theirs holds a user or password of an address."""

import json
import os
import sys
import urllib.request
from pathlib import Path

import pytest

from dev.harness.process import LOOPBACK, free_port, start, wait_for
from tests.edge.config.camera_urls import ADDRESSES, SECRET, USER
from tests.edge.rig import Run


def get(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/{path}", timeout=20) as answer:
        text: str = answer.read().decode()
        return text


@pytest.mark.timeout(170)
def test_no_output_of_a_running_camera_holds_a_password(tmp_path: Path, run_camera: Run) -> None:
    urls = [address for address in ADDRESSES if "://" in address][:24:2]
    settings = {
        "CAMERAS": " ".join(f"c{number}={url}" for number, url in enumerate(urls)),
        "LIVE_PORT": str(free_port()),
        "EDGE_BROKER_PORT": "1",
        "SPOOL_DIR": str(tmp_path / "spool"),
        "HEARTBEAT_FILE": str(tmp_path / "beat.json"),
        "PYTHONPATH": os.pathsep.join(sys.path),
        "LOG_LEVEL": "DEBUG",
    }
    camera = start("camera", [sys.executable, "-m", "camera"], tmp_path / "camera", settings)
    beat = tmp_path / "beat.json"
    wait_for(
        lambda: beat.exists() and all(each["problem"] for each in json.loads(beat.read_text())["cameras"].values()),
        seconds=60,
        what="a problem of each camera",
    )

    port = int(settings["LIVE_PORT"])
    shown = [get(port, path) for path in ("", "state.json", "metrics")]
    done = run_camera("health", HEARTBEAT_FILE=settings["HEARTBEAT_FILE"])
    shown += [beat.read_text(), done.stdout, done.stderr]
    for url in urls[:4]:
        for command in (["snapshot"], []):
            done = run_camera(*command, CAMERA_SOURCE=url, CAMERA_NAME=url, SPOOL_DIR="spool")
            shown += [done.stdout, done.stderr]
    camera.kill()
    shown.append(camera.log.read_text())

    assert "CAMERA_SOURCE=rtsp://" in shown[1]
    assert "CAMERA_SOURCE=rtsp://" in shown[-1]
    assert [text for text in shown if SECRET in text or USER in text] == []
