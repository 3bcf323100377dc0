"""What tests ask of Docker."""

import contextlib
import fcntl
import functools
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from dev.harness.process import wait_for

# To ask Docker costs a tenth of a second of the processor, which other tests want, too.
wait_for_docker = functools.partial(wait_for, min_poll=0.5, max_poll=1.0)


@functools.cache
def image_files(image: str) -> Path:
    """Return the folder with an image's files, taken out of Docker once for each environment of ours."""
    identity = docker("image", "inspect", "--format", "{{.Id}}", image, check=True).stdout.decode().strip()
    folder = Path(sys.prefix, "images", identity.rpartition(":")[2][:12])
    folder.parent.mkdir(exist_ok=True)
    with _one_at_a_time(folder.with_suffix(".lock")):
        if not folder.exists():
            _export(image, folder)
    return folder


def _export(image: str, folder: Path) -> None:
    parts = folder.with_suffix(".part")
    shutil.rmtree(parts, ignore_errors=True)
    parts.mkdir()
    created = docker("create", image, check=True).stdout.decode().strip()
    with subprocess.Popen(["docker", "export", created], stdout=subprocess.PIPE) as files:
        subprocess.run(["tar", "--extract", "--numeric-owner"], cwd=parts, stdin=files.stdout, check=True)
    docker("rm", created)
    parts.rename(folder)


@contextlib.contextmanager
def _one_at_a_time(file: Path) -> Iterator[None]:
    with file.open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def docker(*arguments: str, check: bool = False) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["docker", *arguments], check=check, capture_output=True)
