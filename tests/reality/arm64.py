"""A Debian for arm64 in a folder, whose programs QEMU's user emulation runs."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.reality.debian import Debian, debian
from tests.reality.programs import from_debian

FORMATS = Path("/proc/sys/fs/binfmt_misc")
NAME = "usbcam-aarch64"
PACKAGES = ("python3", "python3-venv")
MAGIC = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
MASK = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"


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
