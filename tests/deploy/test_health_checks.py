"""The containers' health checks: what runs every few seconds is light."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {"cv2", "numpy", "av", "pydantic", "click", "boto3", "botocore", "starlette", "paho"}
CHECKS = ["camera.control.health_check", "uploader.health_check", "gallery.health_check"]


def test_every_container_uses_its_light_health_check() -> None:
    shipped = "".join(
        (ROOT / name).read_text() for name in ("edge/Dockerfile", "cloud/Dockerfile", "docker-compose.cloud.yml")
    )

    assert [module for module in CHECKS if module not in shipped] == []
    assert not re.search(r"python\W+-m\W+(camera|uploader|gallery)\W+health\b", shipped)


@pytest.mark.parametrize("check", CHECKS)
def test_a_health_check_loads_the_standard_library_alone(check: str, tmp_path: Path) -> None:
    said = f"import sys, {check}; print([name for name in {HEAVY} if name in sys.modules])"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)}

    done = subprocess.run(
        [sys.executable, "-c", said], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("check", CHECKS)
def test_a_health_check_of_what_does_not_run_is_one_sentence(check: str, tmp_path: Path) -> None:
    settings = {"HEARTBEAT_FILE": str(tmp_path / "none.json"), "GALLERY_PORT": "1"}
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), **settings}

    done = subprocess.run(
        [sys.executable, "-m", check], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (1, "", 1)
