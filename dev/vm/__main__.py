"""Keeps a machine running until Ctrl-C: `python -m dev.vm`. The tests find it, and need not boot one."""

import shutil
import signal

from dev.vm.docker_disk import make_docker_disk
from dev.vm.machine import KEPT, Machine, build, cache


def main() -> None:
    build()
    make_docker_disk()
    folder = cache() / KEPT
    shutil.rmtree(folder, ignore_errors=True)
    machine = Machine.boot(folder)
    (folder / "port").write_text(str(machine.port), encoding="ascii")
    print("The machine runs until Ctrl-C; REALITY=1 ./test tests/reality/kernel -n 0 uses it.", flush=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        machine.stop()


if __name__ == "__main__":
    main()
