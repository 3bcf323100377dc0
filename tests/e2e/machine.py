"""A machine for the shipped Compose files: an S3 server outside both projects, and commands."""

import os
import subprocess

from tests.support.paths import ROOT

KEYS = ("usbcam-test", "usbcam-test-secret")
BUCKET = "pictures"


def run(*command: str) -> str:
    """Run a command with nothing of the user's settings, and return what it printed."""
    environment = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME"}}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
