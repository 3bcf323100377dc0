"""Programs of this machine: found, installed with apt, run while it is said for how long. Standard library only."""

import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence

MOSQUITTO = ("mosquitto", "mosquitto-clients")
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
# Optional programs: their names, the package that has one of them, and what is left out without it.
TOOLS = {
    "--tests": (
        (BROWSERS, "chromium-headless-shell", "Tests of the pages are"),
        (("promtool",), "prometheus", "Tests of alert rules are"),
        (("nginx",), "nginx-light", "The test behind a proxy is"),
        (("spin",), "spin", "The check of the delivery model is"),
        (("busybox",), "busybox", "Tests of the scripts with BusyBox' tools are"),
    ),
    "--bench": (
        (("motion",), "motion", "The comparison with motion is"),
        (("rclone",), "rclone", "The comparison with rclone is"),
    ),
}
PROGRESS_SECONDS = 5.0

Done = subprocess.CompletedProcess[str]


class SetupError(Exception):
    """What is missing, and the one thing to do about it."""


def add_programs(wanted: str) -> None:
    """As root on Debian or Ubuntu, install with one call what is missing; only Mosquitto must be had."""
    missing = {package: without for programs, package, without in TOOLS.get(wanted, ()) if not _has_any(programs)}
    needed = MOSQUITTO if _mosquitto() is None else ()
    if os.geteuid() == 0 and _try_apt(*needed, *missing) is None:
        return
    if needed and (problem := _try_apt(*needed)):
        raise SetupError(problem)
    for package, without in missing.items() if os.geteuid() == 0 else ():
        if problem := _try_apt(package):
            say(f"{without} left out: {problem}")


def find_browser() -> str | None:
    """Return the path of Chromium, if there is one."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def find_mosquitto() -> str:
    """Return the path of the mosquitto program."""
    if (found := _mosquitto()) is None:
        raise SetupError("Mosquitto was installed but is not on PATH")
    return found


def install(*packages: str) -> None:
    """Install them with apt; raises SetupError."""
    if problem := _try_apt(*packages):
        raise SetupError(problem)


def _has_any(programs: Sequence[str]) -> bool:
    return any(map(shutil.which, programs))


def _mosquitto() -> str | None:
    if shutil.which("mosquitto_sub") is None:
        return None
    # sbin is not on every user's PATH, but it is where Debian puts the broker.
    return shutil.which("mosquitto", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))


def _try_apt(*packages: str) -> str | None:
    """Install them, and say why not if it cannot be done."""
    if not packages:
        return None
    names = " ".join(packages)
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return f"this needs {names}: sudo apt-get install {names}"
    # RUNLEVEL=1: the package's own service is not wanted, the program is.
    environment = {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    run("Updating apt's package lists", ["apt-get", "update", "-qq"], environment)
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    done = run(f"Installing {names} with apt-get", command, environment)
    return f"apt-get install {names} failed: {last_line(done.stderr)}" if done.returncode else None


def say(line: str) -> None:
    print(line, flush=True)


def run(doing: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> Done:
    """Run a command, and show what it does and for how long."""
    began = time.monotonic()
    say(f"{doing} ...")
    with subprocess.Popen(
        command,
        env=os.environ | dict(environment or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        while True:
            try:
                output, errors = running.communicate(timeout=PROGRESS_SECONDS)
                break
            except subprocess.TimeoutExpired:
                say(f"  {time.monotonic() - began:.0f} s")
    say(f"  {'done' if running.returncode == 0 else 'failed'} after {time.monotonic() - began:.1f} s")
    return Done(command, running.returncode, output, errors)


def last_line(text: str) -> str:
    """What a command said at last."""
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"
