"""A machine for the shipped Compose files: an S3 server outside both projects, and commands."""

import json
import os
import subprocess

from tests.support.paths import ROOT

KEYS = ("usbcam-test", "usbcam-test-secret")
BUCKET = "pictures"
# Small frames, and few: enough for the visits of the synthetic camera, and other tests want the processor, too.
CALM = {"DETECTIONS_PER_SECOND": "4", "FRAME_WIDTH": "320", "FRAME_HEIGHT": "240", "MIN_FACE_PX": "20"}
# Docker asks for the first time after one interval, and each question costs a tenth of a second of the processor.
HEALTH_SECONDS = 8
CHECKED = {"edge": ("camera", "edge-broker"), "cloud": ("cloud-broker", "uploader", "gallery")}


def quick_health(half: str) -> str:
    """What a Compose file beside the shipped one of a half says, so that health is asked for sooner."""
    return json.dumps(
        {"services": {service: {"healthcheck": {"interval": f"{HEALTH_SECONDS}s"}} for service in CHECKED[half]}}
    )


def run(*command: str) -> str:
    """Run a command with nothing of the user's settings, and return what it printed."""
    environment = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME"}}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
