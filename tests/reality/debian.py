"""Another Debian in a folder, for programs that this machine's does not have. Made once, kept in REALITY_CACHE."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from dev.harness.process import Process, start

CACHE = Path(os.environ.get("REALITY_CACHE", "/var/cache/usbcam-reality"))
CERTIFICATES = Path("etc/ssl/certs/ca-certificates.crt")  # also those that a proxy on this network needs
MADE = "made"  # a file that says so
PASSED_ON = ("PIP_", "UV_", "http_proxy", "https_proxy", "no_proxy")


@dataclass(frozen=True, slots=True)
class Debian:
    """Its root folder."""

    root: Path

    def run(self, *command: str) -> None:
        """Run a command in it."""
        self.output(*command)

    def output(self, *command: str) -> str:
        """Run a command in it, and return what it printed."""
        done = self.attempt(*command)
        assert done.returncode == 0, f"{command[0]}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done.stdout

    def attempt(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """Run a command in it that may fail."""
        return subprocess.run(self._inside(*command), capture_output=True, text=True, check=False)

    def start(self, name: str, folder: Path, *command: str) -> Process:
        """Start a program in it, whose log is in `folder`."""
        return start(name, self._inside(*command), folder, {})

    def _inside(self, *command: str) -> list[str]:
        given = [f"{name}={value}" for name, value in os.environ.items() if name.startswith(PASSED_ON)]
        ours = ["PATH=/usr/local/bin:/usr/sbin:/usr/bin", "HOME=/root", f"SSL_CERT_FILE=/{CERTIFICATES}"]
        mounted = 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"'  # unmounted when its last process ends
        return ["unshare", "--mount", "sh", "-c", mounted, str(self.root), "env", "-i", *ours, *given, *command]


def debian(suite: str, name: str, *packages: str, architecture: str = "") -> Debian:
    """A Debian with these packages, of this machine's architecture unless told; skips where it cannot be made."""
    made = Debian(CACHE / name)
    if (made.root / MADE).exists():
        return made
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        pytest.skip("only root with debootstrap can make another Debian")
    shutil.rmtree(made.root, ignore_errors=True)
    CACHE.mkdir(parents=True, exist_ok=True)
    command = ["debootstrap", "--variant=minbase", f"--include=ca-certificates,{','.join(packages)}"]
    command += [*([f"--arch={architecture}"] if architecture else []), suite]
    done = subprocess.run([*command, str(made.root)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"Debian {suite} cannot be had: {done.stdout[-300:]}")
    for file in ("etc/resolv.conf", "etc/hosts", "etc/pip.conf", str(CERTIFICATES)):
        if Path("/", file).exists():
            shutil.copy(Path("/", file), made.root / file)
    (made.root / MADE).touch()
    return made
