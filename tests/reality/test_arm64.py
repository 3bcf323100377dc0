"""The product on arm64, by emulation: its locks, its unit tests, and that it sees and keeps what it does here."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import pytest

from camera.sources.synthetic.scene import Scene
from tests.reality.arm64 import arm64
from tests.reality.asked import ASKED
from tests.reality.debian import Debian
from tests.support.paths import ROOT

pytestmark = [*ASKED, pytest.mark.timeout(3 * 3600)]

LOCKS = ("edge/requirements.txt", "cloud/requirements.txt")
TESTS_LOCK = "tests/requirements.txt"
# What the unit tests import beside the product; the others of their lock are programs, or check the code.
FOR_TESTS = re.compile(
    "(boto3-stubs|botocore-stubs|mypy-boto3-s3|types-.*|typing-extensions|jinja2|markupsafe|pyyaml|pytest.*|iniconfig|pluggy|packaging|pygments|execnet|playwright|greenlet|pyee)=="
)
# Unit tests of what depends on the processor: decoders, the kernel's structures, numbers packed into bytes,
# compression, cryptography. ARM64_TESTS names others; tests/common tests/edge tests/cloud take hours.
DEPENDENT = """
    tests/contract tests/common/test_files.py tests/common/test_heartbeat.py
    tests/edge/sources/v4l2/test_decode.py tests/edge/sources/v4l2/test_stream.py tests/edge/sources/v4l2/test_camera.py
    tests/edge/sources/v4l2/test_negotiation.py tests/edge/sources/video/test_file.py
    tests/edge/pipeline/test_motion.py tests/edge/pipeline/test_tracker.py
    tests/cloud/storage/test_structure.py tests/cloud/uploader/ingest/test_image.py
    tests/cloud/gallery/test_thumbnails.py tests/cloud/enroll/test_enroll.py
"""
PARTS = (
    "edge",
    "cloud",
    "common",
    "cli",
    "dev",
    "mosquitto",
    "deploy",
    "tests",
    "docs",
    "pyproject.toml",
    ".env.example",
)
GLIBC = range(17, 42)  # of Debian 13, and what libraries may have been built for
PYTHON, CODE = "/opt/venv/bin/python", "/opt/usbcam"
SETTINGS = {"LIVE_PORT": "0", "FRAME_WIDTH": "640", "FRAME_HEIGHT": "480", "DEMO_VISITS": "2", "DEMO_SEED": "7"}
MOMENTS = (1.0, 3.0, 4.0, 6.0, 9.0)


@dataclass(frozen=True, slots=True)
class Product:
    """The product's command line there and here, in one folder of each."""

    debian: Debian

    @property
    def folder(self) -> Path:
        return self.debian.root / "opt/pictures"

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
        code = machine.root / CODE.removeprefix("/")
        shutil.rmtree(code, ignore_errors=True)
        code.mkdir(parents=True)
        for part in PARTS:
            source, ignored = ROOT / part, shutil.ignore_patterns("__pycache__", "node_modules")
            if source.is_dir():
                shutil.copytree(source, code / part, ignore=ignored, symlinks=True)
            else:
                shutil.copy(source, code / part)
        _install(machine)
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

    assert [line["image"] for line in there] == names
    assert [[face["box"] for face in line["faces"]] for line in there] == [
        [face["box"] for face in line["faces"]] for line in here
    ]
    apart = [
        abs(one["score"] - other["score"])
        for a, b in zip(there, here, strict=True)
        for one, other in zip(a["faces"], b["faces"], strict=True)
    ]
    assert len(apart) > len(MOMENTS)
    assert max(apart) < 1e-3
    note(f"{len(apart)} faces in {len(names)} images, the same boxes; scores at most {max(apart):.1g} apart")


def test_the_same_images_are_kept_as_here(product: Product, note: Callable[[str], None]) -> None:
    video = product.folder / "visits.avi"
    scene = Scene(640, 480, seed=2, visits=2)
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), 5, (640, 480))
    frame = 0
    while not scene.ended(frame / 5):
        writer.write(scene.draw(frame / 5))
        frame += 1
    writer.release()

    for source in ("demo", video.name):
        there, here = (
            said("captures", source, "--out", out).splitlines()
            for said, out in ((product.there, "there"), (product.here, "here"))
        )
        kept = [_hashes(product.folder / out) for out in ("there", "here")]
        assert there == here
        assert kept[0] == kept[1]
        assert kept[0]
        note(f"{source}: {len(kept[0])} captures, byte for byte the same")
        for out in ("there", "here"):
            shutil.rmtree(product.folder / out)


def test_the_unit_tests_pass(machine: Debian, note: Callable[[str], None]) -> None:
    only = os.environ.get("ARM64_TESTS", DEPENDENT).split()
    command = [PYTHON, "-m", "pytest", "--fast", "-q", "--timeout=1800", "-o", "addopts="]
    where = ["env", f"--chdir={CODE}", "PATH=/opt/venv/bin:/usr/bin:/usr/sbin"]

    done = machine.attempt(*where, *command, "-n", "2", *only)
    if done.returncode == 1:  # what failed beside others must pass alone: an emulated machine is slow
        done = machine.attempt(*where, *command, "--last-failed", *only)

    assert done.returncode == 0, done.stdout[-5000:]
    note(done.stdout.splitlines()[-1].strip("= "))


def _install(machine: Debian) -> None:
    """Install both locks there, and what the tests need, unless they are."""
    wanted = "".join((ROOT / lock).read_text() for lock in (*LOCKS, TESTS_LOCK)) + FOR_TESTS.pattern + str(GLIBC)
    stamp, digest = machine.root / "opt/stamp", hashlib.sha256(wanted.encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    kept = [block for block in re.split(r"\n(?=[a-z0-9])", (ROOT / TESTS_LOCK).read_text()) if FOR_TESTS.match(block)]
    (machine.root / "opt/tests.txt").write_text("\n".join(kept))
    shutil.rmtree(machine.root / "opt/venv", ignore_errors=True)
    machine.run("python3", "-m", "venv", "--without-pip", "/opt/venv")
    (packages,) = (machine.root / "opt/venv/lib").glob("python3*/site-packages")
    version = packages.parent.name.removeprefix("python")
    # This machine's pip: it takes a quarter of an hour there to unpack and compile even itself.
    options = ["--quiet", "--no-compile", "--require-hashes", "--no-deps", "--only-binary", ":all:"]
    options += ["--python-version", version, "--implementation", "cp", "--target", str(packages)]
    options += [word for minor in GLIBC for word in ("--platform", f"manylinux_2_{minor}_aarch64")]
    for lock in (*(ROOT / lock for lock in LOCKS), machine.root / "opt/tests.txt"):
        subprocess.run([sys.executable, "-m", "pip", "install", *options, "-r", str(lock)], check=True)
    stamp.write_text(digest)


def _hashes(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}
