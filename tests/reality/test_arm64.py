"""The product on arm64, by emulation: its locks, its unit tests, and that it sees and keeps what it does here."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import pytest

from camera.sources.frame import Image
from camera.sources.synthetic.scene import Scene
from tests.reality.arm64 import CODE, LOCKS, PYTHON, arm64, install
from tests.reality.asked import ASKED
from tests.reality.debian import Debian
from tests.support.paths import ROOT

pytestmark = [*ASKED, pytest.mark.timeout(3 * 3600)]

# Unit tests of native code: decoders, motion, numbers packed into bytes, hashes, compression, cryptography. What is
# Python alone is the same on every processor. ARM64_TESTS names others; tests/common tests/edge tests/cloud take hours.
NATIVE = """
    tests/contract/test_capture.py tests/contract/test_embedded.py tests/contract/test_golden.py
    tests/contract/test_times.py
    tests/edge/sources/v4l2/test_decode.py tests/edge/sources/video/test_file.py
    tests/edge/sources/video/test_odd_media.py::test_damage_inside_one_frame_is_not_shown
    tests/edge/pipeline/test_motion.py
    tests/cloud/storage/test_structure.py tests/cloud/uploader/ingest/test_image.py
    tests/cloud/gallery/test_thumbnails.py tests/cloud/enroll/test_enroll.py
"""
# Each processor has its own instructions for the detector's sums, whose last digits differ. So a border that lies half
# way between two pixels may be rounded to the other one.
MAX_SCORE_DIFFERENCE = 2e-3
MAX_PIXEL_DIFFERENCE = 3  # of 255: the scene is drawn, and a JPEG decoded, by such sums, too
SETTINGS = {"LIVE_PORT": "0", "FRAME_WIDTH": "640", "FRAME_HEIGHT": "480", "DEMO_VISITS": "1", "DEMO_SEED": "7"}
MOMENTS = (1.0, 3.0, 4.0, 6.0, 9.0)


Found = dict[str, Any]  # a line of JSON


@dataclass(frozen=True, slots=True)
class Product:
    """The product's command line there and here, in one folder of each."""

    debian: Debian

    @property
    def folder(self) -> Path:
        return self.debian.root / "opt/pictures"

    def image(self, line: Found) -> Image:
        image = cv2.imread(str(self.folder / line["file"]))
        assert image is not None
        return image

    def there(self, *words: str) -> str:
        given = [f"{name}={value}" for name, value in SETTINGS.items()]
        where = ["env", "--chdir=/opt/pictures", f"PYTHONPATH={CODE}/edge:{CODE}", *given]
        return self.debian.output(*where, PYTHON, "-m", "camera", *words)

    def here(self, *words: str) -> str:
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT / 'edge'}:{ROOT}", **SETTINGS}
        command = [sys.executable, "-m", "camera", *words]
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=True
        ).stdout


@pytest.fixture(scope="module")
def machine() -> Iterator[Debian]:
    """A Debian for arm64 with both locks' libraries and this repository."""
    with arm64() as machine:
        install(machine)
        yield machine


@pytest.fixture
def product(machine: Debian) -> Product:
    product = Product(machine)
    shutil.rmtree(product.folder, ignore_errors=True)
    product.folder.mkdir()
    return product


def test_both_locks_are_installed_as_they_are(machine: Debian) -> None:
    locked = {
        name.replace("_", "-").lower(): version
        for lock in LOCKS
        for name, version in re.findall(r"^([a-z0-9][a-z0-9._-]*)==([^ ;\\]+)", (ROOT / lock).read_text(), re.MULTILINE)
    }
    listed = "import importlib.metadata as m, json; print(json.dumps([(d.name, d.version) for d in m.distributions()]))"
    there = {
        name.replace("_", "-").lower(): version for name, version in json.loads(machine.output(PYTHON, "-c", listed))
    }

    assert {name: there.get(name) for name in locked} == locked
    assert machine.output("uname", "-m").strip() == "aarch64"


def test_the_kernels_structures_and_calls_are_as_here(machine: Debian) -> None:
    program = (
        "import ctypes, json; from camera.sources.v4l2 import ioctl;"
        "print(json.dumps({name: each if isinstance(each, int) else ctypes.sizeof(each)"
        " for name, each in vars(ioctl).items() if isinstance(each, int)"
        " or isinstance(each, type) and issubclass(each, (ctypes.Structure, ctypes.Union))}))"
    )
    there = json.loads(machine.output("env", f"PYTHONPATH={CODE}/edge:{CODE}", PYTHON, "-c", program))
    paths = f"{ROOT / 'edge'}:{ROOT}"
    here = subprocess.run([sys.executable, "-c", program], env={"PYTHONPATH": paths}, capture_output=True, check=True)

    assert there == json.loads(here.stdout)
    assert there["VIDIOC_DQBUF"] == 0xC0585611  # as Linux has it on all 64-bit processors


def test_a_face_is_seen_where_it_is_seen_here(product: Product, note: Callable[[str], None]) -> None:
    names = []
    for seed, seconds in ((seed, seconds) for seed in (1, 2) for seconds in MOMENTS):
        frame = Scene(640, 480, seed=seed, visits=2).draw(seconds)
        names += [f"{seed}-{seconds}.png", f"{seed}-{seconds}.jpg"]
        for name in names[-2:]:
            cv2.imwrite(str(product.folder / name), frame)

    there, here = (list(map(json.loads, said("detect", *names).splitlines())) for said in (product.there, product.here))

    assert [line["image"] for line in there] == [line["image"] for line in here] == names
    faces = [pair for one, other in zip(there, here, strict=True) for pair in _pairs(one["faces"], other["faces"])]
    assert len(faces) > len(MOMENTS)
    note(f"{len(faces)} faces in {len(names)} images: {_differences(faces)}")


def test_the_same_images_are_kept_as_here(product: Product, note: Callable[[str], None]) -> None:
    video = product.folder / "visits.avi"
    scene = Scene(640, 480, seed=2, visits=1)
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), 5, (640, 480))
    frame = 0
    while not scene.ended(frame / 5):
        writer.write(scene.draw(frame / 5))
        frame += 1
    writer.release()

    for source in ("demo", video.name):
        there, here = (
            list(map(json.loads, said("captures", source, "--out", out).splitlines()))
            for said, out in ((product.there, "there"), (product.here, "here"))
        )
        assert [(line["frame"], line["shot"]) for line in there] == [(line["frame"], line["shot"]) for line in here]
        captures = _pairs(there, here)
        pixels: list[int] = []
        assert captures
        for one, other in captures:
            if one["box"] == other["box"]:
                pixels.append(int(cv2.absdiff(product.image(one), product.image(other)).max()))
        assert max(pixels, default=0) <= MAX_PIXEL_DIFFERENCE
        note(f"{source}: {len(captures)} captures, of the same frames: {_differences(captures)}, pixels {pixels}")


def test_the_unit_tests_of_native_code_pass(machine: Debian, note: Callable[[str], None]) -> None:
    """Not all unit tests: under emulation they take hours. NATIVE says which, and why."""
    only = os.environ.get("ARM64_TESTS", NATIVE).split()
    command = [PYTHON, "-m", "pytest", "--fast", "-q", "--timeout=1800", "-o", "addopts="]
    where = ["env", f"--chdir={CODE}", "PATH=/opt/venv/bin:/usr/bin:/usr/sbin"]

    done = machine.attempt(*where, *command, "-n", "2", *only)
    if done.returncode == 1:  # what failed beside others must pass alone: an emulated machine is slow
        done = machine.attempt(*where, *command, "--last-failed", *only)

    assert done.returncode == 0, done.stdout[-5000:]
    note(done.stdout.splitlines()[-1].strip("= "))


def _pairs(there: list[Found], here: list[Found]) -> list[tuple[Found, Found]]:
    """What was found there beside what was found here; the last digits may differ, but not more."""
    pairs = list(zip(there, here, strict=True))
    for one, other in pairs:
        assert max(abs(a - b) for a, b in zip(one["box"], other["box"], strict=True)) <= 1, (one, other)
        assert abs(one["score"] - other["score"]) < MAX_SCORE_DIFFERENCE, (one, other)
    return pairs


def _differences(pairs: list[tuple[Found, Found]]) -> str:
    other = sum(one["box"] != other["box"] for one, other in pairs)
    apart = max(abs(one["score"] - other["score"]) for one, other in pairs)
    return f"{other} boxes one pixel apart, scores at most {apart:.1g}"
