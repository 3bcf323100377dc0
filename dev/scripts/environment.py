"""Makes what the commands need on this machine: a virtual environment and Mosquitto. Standard library only."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
PRODUCT = ("edge", "cloud", "dev/store")
FOR = {"--tests": (*PRODUCT, "tests"), "--bench": (*PRODUCT, "tests", "dev/bench")}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# What is good to have: programs, the package with one of them, and what is left out without it.
TOOLS = {
    "--tests": (
        (BROWSERS, "chromium", "Tests of the pages are"),
        (("promtool",), "prometheus", "Tests of alert rules are"),
    ),
    "--bench": ((("motion",), "motion", "The comparison with motion is"),),
}


class SetupError(Exception):
    """What is missing, and the one thing to do about it."""


def make_environment(parts: tuple[str, ...]) -> Path:
    """Put the locked requirements of the parts into .venv, unless they are there, and return its Python."""
    locks = [ROOT / part / "requirements.txt" for part in parts]
    wanted = {lock.parent.name: hashlib.sha256(lock.read_bytes()).hexdigest() for lock in locks}
    if not _works():
        _create()
    if any(_installed(part) != digest for part, digest in wanted.items()):
        _install(locks)
        for part, digest in wanted.items():
            _stamp(part).write_text(digest, encoding="ascii")
    _show_packages()
    return PYTHON


def find_mosquitto() -> str:
    """Return the path of the mosquitto program; as root on Debian or Ubuntu, install it when it is missing."""
    if _mosquitto() is None:
        _apt_install("mosquitto", "mosquitto-clients")
    found = _mosquitto()
    if found is None or shutil.which("mosquitto_sub") is None:
        raise SetupError("Mosquitto was installed but is not on PATH")
    return found


def add_tools(wanted: str) -> None:
    """As root on Debian, install what is good to have and missing."""
    for programs, package, without in TOOLS.get(wanted, ()):
        if any(map(shutil.which, programs)) or os.geteuid() != 0:
            continue
        try:
            _apt_install(package)
        except SetupError as error:
            say(f"{without} left out: {error}")


def find_browser() -> str | None:
    """Return the path of Chromium, if there is one."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def say(sentence: str) -> None:
    print(sentence, flush=True)


def _mosquitto() -> str | None:
    if shutil.which("mosquitto_sub") is None:
        return None
    # sbin is not on every user's PATH, but it is where Debian puts the broker.
    return shutil.which("mosquitto", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))


def _works() -> bool:
    """Tell whether .venv is whole and has the Python that runs this; another one cannot use its packages."""
    question = "import pip, sys; print(sys.version_info[:2])"
    if not PYTHON.exists():
        return False
    answer = subprocess.run([PYTHON, "-c", question], capture_output=True, text=True, check=False)
    return answer.stdout.strip() == str(sys.version_info[:2])


def _create() -> None:
    say("Making .venv ...")
    command = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode and "ensurepip" in made.stdout + made.stderr:
        _apt_install("python3-venv")
        made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        raise SetupError(f"cannot make .venv: {_last_line(made.stdout + made.stderr)}")


def _install(locks: list[Path]) -> None:
    say("Installing the locked requirements into .venv ...")
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    for lock in locks:
        command += ["-r", str(lock)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SetupError(f"cannot install the requirements: {_last_line(done.stderr)}")


def _show_packages() -> None:
    """Let `import camera`, `import uploader` and `import dev` work in .venv."""
    (packages,) = (VENV / "lib").glob("python3*/site-packages")
    (packages / "usbcam.pth").write_text(f"{ROOT}/edge\n{ROOT}/cloud\n{ROOT}\n", encoding="utf-8")


def _stamp(part: str) -> Path:
    return VENV / f"locked-{part}"


def _installed(part: str) -> str:
    return _stamp(part).read_text(encoding="ascii") if _stamp(part).exists() else ""


def _apt_install(*packages: str) -> None:
    names = " ".join(packages)
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise SetupError(f"this needs {names}: sudo apt-get install {names}")
    say(f"Installing {names} with apt-get ...")
    # RUNLEVEL=1: the package's own service is not wanted, the program is.
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *packages]):
        done = subprocess.run(["apt-get", *command], env=environment, capture_output=True, text=True, check=False)
        if done.returncode and command[0] == "install":
            raise SetupError(f"apt-get install {names} failed: {_last_line(done.stderr)}")


def _last_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


def main() -> int:
    wanted = sys.argv[1] if sys.argv[1:] else "--demo"
    try:
        find_mosquitto()  # first, since it may need the user
        make_environment(FOR.get(wanted, PRODUCT))
        add_tools(wanted)
    except SetupError as error:
        print(f"{wanted.strip('-')}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
