"""The virtual machine: started, told what to do by ssh, and stopped."""

import os
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dev.harness.process import LOOPBACK, Process, free_port, start, wait_for

HERE = Path(__file__).parent
KEPT = "kept"  # the folder of one that stays
HOST = "10.0.2.2"  # this host, as the machine sees it
BOOT_SECONDS, COMMAND_SECONDS = 900.0, 400.0  # on a host that others use, too

Done = subprocess.CompletedProcess[str]


class CommandError(Exception):
    """A command in the machine failed; the text is what it said."""


def cache() -> Path:
    return Path(os.environ.get("VM", "/var/cache/usbcam-vm"))


def build() -> None:
    """Make its disk, where that is not there or is not of these requirements."""
    subprocess.run([HERE / "build"], check=True)


@dataclass(frozen=True, slots=True)
class Machine:
    """One that runs. What is in its folder `share` is below /host in it, to be read."""

    share: Path
    port: int  # of its ssh, here
    process: Process | None = None  # None for one that somebody else keeps running

    @classmethod
    def kept(cls) -> "Machine | None":
        """The one that `python -m dev.vm` keeps running, if it does."""
        try:
            machine = cls(cache() / KEPT / "share", int((cache() / KEPT / "port").read_text(encoding="ascii")))
        except (OSError, ValueError):
            return None
        return machine if machine._answers() else None

    @classmethod
    def boot(cls, folder: Path) -> "Machine":
        """Start it and wait until it answers; its disk is always as it was built."""
        port, share = free_port(), folder / "share"
        share.mkdir(parents=True)
        environment = {
            "VM": str(cache()),
            "SHARE": str(share),
            "SSH_PORT": str(port),
            "SERIAL_LOG": str(folder / "serial.log"),
        }
        process = start("machine", [str(HERE / "boot")], folder, environment)
        machine = cls(share, port, process)
        try:
            wait_for(machine._answers, seconds=BOOT_SECONDS, what="the machine")
        except TimeoutError:
            process.kill()
            raise
        return machine

    @property
    def ssh(self) -> tuple[str, ...]:
        """What a command in it begins with here."""
        options = {
            "StrictHostKeyChecking": "no",
            "UserKnownHostsFile": "/dev/null",
            "LogLevel": "ERROR",
            "ConnectTimeout": "20",
            "ControlMaster": "auto",
            "ControlPath": f"/tmp/usbcam-vm-{self.port}",  # a socket's path is short
            "ControlPersist": "yes",
        }
        given = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        return ("ssh", "-i", str(cache() / "key"), *given, "-p", str(self.port), f"root@{LOOPBACK}")

    def run(self, *command: str, user: str = "root", environment: Mapping[str, str] | None = None) -> Done:
        """Run a command and return what it said."""
        words = ["env", "--chdir=/tmp", *(f"{name}={value}" for name, value in (environment or {}).items()), *command]
        if user != "root":
            words = ["runuser", "-u", user, "--", *words]
        return self._ssh(shlex.join(words), COMMAND_SECONDS)

    def shell(self, script: str, seconds: float = COMMAND_SECONDS) -> str:
        """Run a script of sh as root and return what it printed; raises CommandError."""
        done = self._ssh(f"set -e; {script}", seconds)
        if done.returncode:
            raise CommandError(f"{script}: {done.stdout[-1000:]}{done.stderr[-1000:]}")
        return done.stdout

    def stop(self) -> None:
        if self.process is not None:
            self._ssh_control("exit")
            self.process.kill()

    def _answers(self) -> bool:
        if self.process is not None and not self.process.alive():
            raise CommandError(f"the machine ended: {self.process.tail()}")
        try:
            return self._ssh("true", 30).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def _ssh(self, command: str, seconds: float) -> Done:
        return subprocess.run(
            [*self.ssh, command], capture_output=True, text=True, timeout=seconds, check=False, stdin=subprocess.DEVNULL
        )

    def _ssh_control(self, what: str) -> None:
        subprocess.run([*self.ssh[:-1], "-O", what, self.ssh[-1]], capture_output=True, check=False)
