"""Clocks that a test can step: one for each host, seen by the processes that were started with it."""

import mmap
import os
import shutil
import struct
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")


def missing() -> str:
    """Say why clocks cannot be stepped here; empty when they can."""
    return "" if shutil.which("cc") and os.uname().sysname == "Linux" else "no C compiler (cc) on Linux"


class Clock:
    """The wall clock of one host."""

    def __init__(self, folder: Path, name: str) -> None:
        library = folder / "clock.so"
        if not library.exists():
            subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE)], check=True)
        self._file = folder / f"{name}.time"
        self._file.write_bytes(bytes(8))
        self.environment = {"LD_PRELOAD": str(library), "CLOCK_FILE": str(self._file)}
        self._mosquitto = folder / f"{name}-mosquitto"

    def set_ahead(self, seconds: int) -> None:
        """Let the clock show so much more than the truth, or less."""
        with self._file.open("r+b") as file, mmap.mmap(file.fileno(), 8) as place:
            place[:] = struct.pack("q", seconds)

    def mosquitto(self, program: str) -> Path:
        """Return a Mosquitto that lives by this clock; start.sh takes its name from MOSQUITTO."""
        settings = " ".join(f"{name}='{value}'" for name, value in self.environment.items())
        self._mosquitto.write_text(f'#!/bin/sh\nexec env {settings} {program} "$@"\n', encoding="utf-8")
        self._mosquitto.chmod(0o755)
        return self._mosquitto
