"""BusyBox' tools in the place of this machine's: the official broker image has no others."""

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

SHELLS = (("dash",), ("busybox", "sh"))  # that ./usbcam must run in, where they are there
OURS = {"setpriv"}  # with BusyBox', the harness could not start a program that ends with the tests


def busybox_tools(folder: Path, programs: Iterable[str] = ()) -> Path:
    """Return a folder that holds a link to each of BusyBox' tools, and to these programs of this machine."""
    busybox = shutil.which("busybox")
    if busybox is None:
        pytest.skip("there is no busybox")
    tools = folder / "busybox"
    tools.mkdir(parents=True)
    listed = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    for name in {"busybox", *listed} - OURS:
        (tools / name).symlink_to(busybox)
    for name in programs:
        (tools / name).symlink_to(shutil.which(name) or f"/usr/sbin/{name}")
    return tools
