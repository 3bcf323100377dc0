"""The whole product on this machine: a synthetic camera, two brokers, the uploader and an object store."""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import NoReturn

from common import __version__
from dev.demo import containers as compose
from dev.demo.ports import free_pages
from dev.demo.terminal import Counter, elapsed
from dev.scripts.environment import PRODUCT, make_environment
from dev.scripts.programs import SetupError, add_programs, find_mosquitto, say


def main() -> int:
    arguments = _arguments()
    started = time.monotonic()
    return end(lambda: _run(arguments, started), arguments.check, started)


def end(run: Callable[[], str], wanted: int, started: float) -> int:
    """Run until it ends, fails or is stopped; print the result as one last line and return the exit code."""
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.default_int_handler)  # stops in order, like Ctrl-C
    try:
        failed = run()
    except KeyboardInterrupt:
        say("\nStopped; nothing is left running.")
        return 1 if wanted else 0
    except (SetupError, compose.DockerError) as error:
        failed = str(error)
    if failed:
        print(f"demo: {failed}", file=sys.stderr)
        return 1
    what = "1 picture is" if wanted == 1 else f"{wanted} pictures are"
    say(f"{what} in the bucket, after {time.monotonic() - started:.0f} s.")
    return 0


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Finish the block even if Ctrl-C is pressed again."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _Parser(argparse.ArgumentParser):
    """Prints what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"demo: {message}; see ./demo --help\n")


def _arguments() -> argparse.Namespace:
    example = "example: ./demo --check 20 ends by itself when 20 captures are in the bucket"
    parser = _Parser(prog="./demo", description=__doc__, epilog=example)
    parser.add_argument("--version", action="version", version=f"usbcam {__version__}")
    parser.add_argument("--check", type=_count, default=0, metavar="N", help="stop when N captures are in the bucket")
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--docker", action="store_true", help="in containers, or fail")
    way.add_argument("--native", action="store_true", help="as plain processes")
    return parser.parse_args()


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text} is not a number of captures")
    return int(text)


def _run(arguments: argparse.Namespace, started: float) -> str:
    """Run the demo in containers where Docker is available, else as processes; return what failed, if anything."""
    reason = "--native was given" if arguments.native else compose.missing()
    if not reason:
        return _run_in_containers(arguments.check)
    if not arguments.docker:
        say(f"Running as plain processes, since {reason}.")
        _become_native(arguments.check, started)
    return reason


def _become_native(wanted: int, started: float) -> NoReturn:
    """Continue as the same process, now with the product's packages."""
    add_programs("--demo")  # first, since it may need the user
    environment = os.environ | {"MOSQUITTO": find_mosquitto()}
    python = make_environment(PRODUCT)
    os.execve(python, [str(python), "-m", "dev.demo.processes", str(wanted), str(started)], environment)  # noqa: S606


def _run_in_containers(wanted: int) -> str:
    live, gallery = free_pages()
    demo = compose.Demo(LIVE_PORT=str(live), GALLERY_PORT=str(gallery))
    try:
        demo.prepare()
        progress = demo.start_progress(wanted)
        try:
            return _follow(demo, progress)
        finally:
            progress.terminate()
    finally:
        with uninterrupted():
            demo.remove()


def _follow(demo: compose.Demo, progress: subprocess.Popen[str]) -> str:
    """Pass on what the progress container prints; start the camera as soon as it counts."""
    last = ""
    counter = Counter(sys.stdout)
    for line in progress.stdout or ():
        if line == "counting\n":
            with elapsed("Starting the camera"):
                demo.start_camera()
            _say_where_to_look(demo)
        else:
            last = line.strip()
            if not last.startswith("demo: "):  # printed at the end
                counter.show(line.rstrip())
    counter.close()
    if progress.wait() == 0:
        return ""
    say(demo.last_words())
    return last.removeprefix("demo: ") or "the progress container did not run"


def _say_where_to_look(demo: compose.Demo) -> None:
    settings = compose.read_settings()
    inside = f"docker compose -p {demo.project} exec cloud-broker"
    say(f"""
The camera runs. Look at it, and at what it saw:
  camera     {demo.address("camera", 8080)}
  gallery    {demo.address("gallery", 8081)}
In another terminal:
  pictures   {demo.address("store", 8333)} (S3), bucket {settings["S3_BUCKET"]},
             key {settings["AWS_ACCESS_KEY_ID"]}, secret {settings["AWS_SECRET_ACCESS_KEY"]}
  messages   {inside} mosquitto_sub -V 5 -t 'usbcam/#' -F '%t %l bytes %P'
  logs       docker compose -p {demo.project} logs --follow
Ctrl-C ends it and removes everything but the images.
""")


if __name__ == "__main__":
    sys.exit(main())
