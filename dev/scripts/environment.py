"""Makes what the commands need on this machine: programs and a virtual environment. Standard library only."""

import contextlib
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

from dev.scripts.programs import SetupError, add_programs, install, last_line, run, say

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
PRODUCT = ("edge", "cloud", "dev/store")
FOR = {"--tests": (*PRODUCT, "tests"), "--bench": (*PRODUCT, "tests", "dev/bench")}
INSTALLER = ROOT / "dev" / "scripts" / "requirements.txt"


def make_environment(parts: tuple[str, ...]) -> Path:
    """Put the locked requirements of the parts into .venv, unless they are there, and return its Python."""
    locks = [ROOT / part / "requirements.txt" for part in parts]
    wanted = {lock.parent.name: hashlib.sha256(lock.read_bytes()).hexdigest() for lock in locks}
    if not _is_usable():
        make()
    if any(_installed(part) != digest for part, digest in wanted.items()):
        _install(locks)
        for part, digest in wanted.items():
            _stamp(part).write_text(digest, encoding="ascii")
    _show_packages()
    return PYTHON


def _is_usable() -> bool:
    """Return whether .venv is complete and has the Python that runs this; another cannot use its packages."""
    question = "import pip, sys; print(sys.version_info[:2])"
    if not PYTHON.exists():
        return False
    answer = subprocess.run([PYTHON, "-c", question], capture_output=True, text=True, check=False)
    return answer.stdout.strip() == str(sys.version_info[:2])


def make() -> None:
    """Make .venv with pip: unpacked from Python's own copy where that is found, in a tenth of what venv takes."""
    command = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    wheel = find_pip_wheel()
    if wheel is not None and run("Making .venv", [*command, "--without-pip"]).returncode == 0:
        _unpack_pip(wheel)
        if _is_usable():
            return
    made = run("Making .venv", command)
    if made.returncode and "ensurepip" in made.stdout + made.stderr:
        install("python3-venv")
        made = run("Making .venv", command)
    if made.returncode:
        raise SetupError(f"cannot make .venv: {last_line(made.stdout + made.stderr)}")


def find_pip_wheel() -> Path | None:
    """Return the pip that ensurepip would install: Python's own, or Debian's, which comes with python3-venv."""
    folders = (Path(sysconfig.get_path("stdlib")) / "ensurepip" / "_bundled", Path("/usr/share/python-wheels"))
    return next((wheel for folder in folders for wheel in folder.glob("pip-*.whl")), None)


def _unpack_pip(wheel: Path) -> None:
    """Unpack it next to its place, and move it there at last: half a pip would be taken for a whole one."""
    unpacked = VENV / "unpacked"
    with contextlib.suppress(zipfile.BadZipFile, OSError):
        with zipfile.ZipFile(wheel) as content:
            content.extractall(unpacked)
        for part in sorted(unpacked.iterdir(), reverse=True):
            part.rename(_packages() / part.name)
        unpacked.rmdir()


def _packages() -> Path:
    (packages,) = (VENV / "lib").glob("python3*/site-packages")
    return packages


def _install(locks: list[Path]) -> None:
    """Install with uv where it can be had, else with pip; both accept nothing but the locked hashes.

    The locks are complete: what a package asks for and they leave out (TensorFlow) is not needed.
    """
    files = [word for lock in locks for word in ("-r", str(lock))]
    number = len({line for lock in locks for line in _requirements(lock)})
    doing = f"Installing {number} locked packages into .venv"
    uv = _find_uv()
    if uv is not None:
        command = [uv, "pip", "install", "--quiet", "--python", str(PYTHON), "--no-deps", "--require-hashes", *files]
        if run(f"{doing} with uv", command, _uv_environment()).returncode == 0:
            return
        say("uv could not; trying pip.")
    done = run(f"{doing} with pip", [*_pip("install", "--quiet", "--no-deps", "--require-hashes"), *files])
    if done.returncode:
        raise SetupError(f"cannot install the requirements: {last_line(done.stderr)}")


def _requirements(lock: Path) -> list[str]:
    lines = lock.read_text(encoding="utf-8").splitlines()
    return [line.split("==")[0] for line in lines if re.match(r"[a-z0-9]", line)]


def _find_uv() -> str | None:
    """Return the path of uv; when it is missing, pip puts it into .venv, if it can."""
    ours = VENV / "bin" / "uv"
    found = shutil.which("uv") or (str(ours) if ours.exists() else None)
    if found is None:
        only_binary = ("install", "--quiet", "--require-hashes", "--only-binary", ":all:", "-r", str(INSTALLER))
        run("Fetching uv, which installs faster than pip", _pip(*only_binary))
    return found or (str(ours) if ours.exists() else None)


def _uv_environment() -> dict[str, str]:
    """Hand uv the package index that pip is set to use; uv does not read pip's configuration."""
    listed = subprocess.run(_pip("config", "list"), capture_output=True, text=True, check=False).stdout
    index = re.search(r"\.index.url='([^']+)'", listed)
    return {"UV_DEFAULT_INDEX": index[1]} if index and "UV_DEFAULT_INDEX" not in os.environ else {}


def _pip(*arguments: str) -> list[str]:
    return [str(PYTHON), "-m", "pip", "--disable-pip-version-check", *arguments]


def _show_packages() -> None:
    """Let `import camera`, `import uploader` and `import dev` work in .venv."""
    (_packages() / "usbcam.pth").write_text(f"{ROOT}/edge\n{ROOT}/cloud\n{ROOT}\n", encoding="utf-8")


def _stamp(part: str) -> Path:
    return VENV / f"locked-{part}"


def _installed(part: str) -> str:
    return _stamp(part).read_text(encoding="ascii") if _stamp(part).exists() else ""


def main() -> int:
    wanted = sys.argv[1] if sys.argv[1:] else "--demo"
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        add_programs(wanted)  # first, since it may need the user
        make_environment(FOR.get(wanted, PRODUCT))
    except KeyboardInterrupt:
        print(f"{wanted.strip('-')}: stopped", file=sys.stderr)
        return 130
    except SetupError as error:
        print(f"{wanted.strip('-')}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
