"""A Debian for arm64 in a folder, whose programs QEMU's user emulation runs; and the product in it."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.reality.debian import Debian, debian
from tests.reality.programs import from_debian
from tests.support.paths import ROOT

FORMATS = Path("/proc/sys/fs/binfmt_misc")
NAME = "usbcam-aarch64"
PACKAGES = ("python3", "python3-venv")
MAGIC = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
MASK = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"

LOCKS = ("edge/requirements.txt", "cloud/requirements.txt")
TESTS_LOCK = "tests/requirements.txt"
# What the unit tests import beside the product; the others of their lock are programs, or check the code.
FOR_TESTS = re.compile(
    "(boto3-stubs|botocore-stubs|mypy-boto3-s3|types-.*|typing-extensions|jinja2|markupsafe|pyyaml|pytest.*|iniconfig|pluggy|packaging|pygments|execnet|playwright|greenlet|pyee)=="
)
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


@contextmanager
def arm64() -> Iterator[Debian]:
    """A Debian 13 for arm64 with Python; meanwhile this machine's kernel gives its programs to QEMU."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a Debian for arm64")
    emulator = from_debian("qemu-user-static", "usr/bin/qemu-aarch64-static")
    with _emulated(emulator):
        yield debian("trixie", "arm64", *PACKAGES, architecture="arm64")


@contextmanager
def _emulated(emulator: Path) -> Iterator[None]:
    mounted = (FORMATS / "register").exists()
    if not mounted:
        done = subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", FORMATS], check=False)
        if done.returncode != 0:
            pytest.skip("this kernel cannot give programs to an emulator")
    _forget()
    # F: opened now, so that it is also found inside the folder.
    (FORMATS / "register").write_text(f":{NAME}:M::{MAGIC}:{MASK}:{emulator}:OCF", encoding="ascii")
    try:
        yield
    finally:
        _forget()
        if not mounted:
            subprocess.run(["umount", FORMATS], check=False)


def _forget() -> None:
    if (FORMATS / NAME).exists():
        (FORMATS / NAME).write_text("-1", encoding="ascii")


def install(machine: Debian) -> None:
    """Put this repository and both locks' libraries there."""
    code = machine.root / CODE.removeprefix("/")
    shutil.rmtree(code, ignore_errors=True)
    code.mkdir(parents=True)
    for part in PARTS:
        source, ignored = ROOT / part, shutil.ignore_patterns("__pycache__", "node_modules")
        if source.is_dir():
            shutil.copytree(source, code / part, ignore=ignored, symlinks=True)
        else:
            shutil.copy(source, code / part)
    _install_libraries(machine)


def _install_libraries(machine: Debian) -> None:
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
