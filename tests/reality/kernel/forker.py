"""Runs in the machine: commands of the camera, each a fork of one process that has imported all it needs.

An import takes most of a minute where the processor is emulated. This file needs nothing but Python.
"""

import importlib
import json
import os
import pwd
import runpy
import shutil
import signal
import sys
import tempfile
from pathlib import Path

SECONDS = 300
FOLDER = "/tmp"


def serve() -> list[str]:
    """Answer one request a line; in each child, return the command that it has to become."""
    importlib.import_module("camera.__main__")
    del sys.modules["camera.__main__"]  # it is still to be run
    print("ready", flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        place = Path(tempfile.mkdtemp())
        child = os.fork()
        if child == 0:
            become(request["user"], request["environment"], place)
            return list(request["words"])
        _, status = os.waitpid(child, 0)
        answer = os.waitstatus_to_exitcode(status), (place / "out").read_text(), (place / "err").read_text()
        shutil.rmtree(place)
        print(json.dumps(answer), flush=True)
    sys.exit()


def become(user: str, environment: dict[str, str], place: Path) -> None:
    """Be this user's process, with an empty standard input."""
    os.setsid()
    signal.alarm(SECONDS)
    for number, name, flags in ((0, os.devnull, os.O_RDONLY), (1, "out", os.O_WRONLY), (2, "err", os.O_WRONLY)):
        opened = os.open(place / name, flags | os.O_CREAT, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    if user:
        about = pwd.getpwnam(user)
        os.initgroups(user, about.pw_gid)
        os.setgid(about.pw_gid)
        os.setuid(about.pw_uid)
    os.environ.update(environment)
    if user:  # and not in a container, which has the program in its own
        os.chdir(FOLDER)


if __name__ == "__main__":
    sys.argv = ["camera", *serve()]
    runpy.run_module("camera", run_name="__main__", alter_sys=True)
