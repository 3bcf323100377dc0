"""The demo as plain processes on free loopback ports; ./demo runs this in .venv."""

import os
import shutil
import sys
import tempfile
import threading
from pathlib import Path

from dev.demo.containers import read_settings
from dev.demo.counters import Places
from dev.demo.demo import end, uninterrupted
from dev.demo.ports import free_pages
from dev.demo.progress import Progress, ProgressError
from dev.harness import services as stack
from dev.harness.process import StartError
from dev.scripts.programs import say


class Parts:
    """What runs, in the order of its start, each in a folder of its own; ended the other way round."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="usbcam-demo-"))
        self._running: list[stack.Process] = []

    def add(self, process: stack.Process) -> None:
        self._running.append(process)

    def broken(self) -> str:
        """Return which part has ended, with the last line of its log."""
        ended = [process for process in self._running if not process.alive()]
        return f"{ended[0].name} has ended: {ended[0].tail(1)}" if ended else ""

    def last_words(self) -> str:
        tails = {process.name: process.tail(3).splitlines() for process in self._running}
        return "\n".join(f"{name} | {line}" for name, lines in tails.items() for line in lines)

    def stop(self) -> None:
        while self._running:
            process = self._running.pop()
            process.kill() if process.name == "store" else process.stop(seconds=10)
        shutil.rmtree(self.folder, ignore_errors=True)


def run(wanted: int) -> str:
    """Run the demo until it is stopped or `wanted` captures are in the bucket; return what failed, if anything."""
    parts = Parts()
    try:
        return _run(parts, read_settings(), wanted)
    except (TimeoutError, OSError, ProgressError, StartError) as error:
        return parts.broken() or " | ".join(str(error).splitlines())
    finally:
        with uninterrupted():
            parts.stop()


def _run(parts: Parts, settings: dict[str, str], wanted: int) -> str:
    say("Starting the object store, the brokers and the uploader ...")
    store, inside, outside, edge = (stack.free_port() for _ in range(4))
    page, gallery = (port or stack.free_port() for port in free_pages())
    places = Places(
        edge_host=stack.LOOPBACK,
        edge_port=edge,
        cloud_host=stack.LOOPBACK,
        cloud_port=inside,
        endpoint=f"http://{stack.LOOPBACK}:{store}",
        bucket=settings["S3_BUCKET"],
    )
    _start_store(parts, places, settings, store)
    parts.add(stack.start_cloud_broker(parts.folder / "cloud-broker", port=inside, outside_port=outside))
    _start_uploader(parts, places, settings)
    _start_gallery(parts, places, settings, gallery)
    name = settings["EDGE_NAME"]
    edge_folder = parts.folder / "edge-broker"
    parts.add(stack.start_edge_broker(edge_folder, edge=name, cloud_host=stack.LOOPBACK, cloud_port=outside, port=edge))
    progress = Progress(places)
    _start_camera(parts, places, settings, page)
    _say_where_to_look(parts, places, settings, (page, gallery))
    failed = progress.follow(wanted, threading.Event(), parts.broken)
    progress.close()
    if failed:
        say(parts.last_words())
    return failed


def _start_store(parts: Parts, places: Places, settings: dict[str, str], port: int) -> None:
    access_key, secret_key = settings["AWS_ACCESS_KEY_ID"], settings["AWS_SECRET_ACCESS_KEY"]
    os.environ.update(AWS_ACCESS_KEY_ID=access_key, AWS_SECRET_ACCESS_KEY=secret_key)
    os.environ.update(AWS_DEFAULT_REGION=settings["AWS_REGION"])
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):  # the user's own must play no part
        os.environ.pop(name, None)
    parts.add(stack.start_store(parts.folder / "store", port=port, access_key=access_key, secret_key=secret_key))
    stack.make_bucket(places.endpoint, access_key, secret_key, places.bucket)


def _start_uploader(parts: Parts, places: Places, settings: dict[str, str]) -> None:
    parts.add(stack.start_uploader(parts.folder / "uploader", **_cloud(places, settings)))


def _start_gallery(parts: Parts, places: Places, settings: dict[str, str], port: int) -> None:
    chosen = _cloud(places, settings) | {"GALLERY_PORT": str(port), "GALLERY_DELETE": settings["GALLERY_DELETE"]}
    parts.add(stack.start_gallery(parts.folder / "gallery", **chosen))


def _cloud(places: Places, settings: dict[str, str]) -> dict[str, str]:
    chosen = {name: value for name, value in settings.items() if name.startswith(("AWS_", "S3_"))}
    return chosen | {"S3_ENDPOINT_URL": places.endpoint, "CLOUD_BROKER_PORT": str(places.cloud_port)}


def _start_camera(parts: Parts, places: Places, settings: dict[str, str], page: int) -> None:
    chosen = {name: value for name, value in settings.items() if name.startswith("CAMERA_")}
    chosen |= {"EDGE_BROKER_PORT": str(places.edge_port), "LIVE_PORT": str(page)}
    parts.add(stack.start_camera(parts.folder / "camera", **chosen))


def _say_where_to_look(parts: Parts, places: Places, settings: dict[str, str], pages: tuple[int, int]) -> None:
    say(f"""
The camera runs. Look at it, and at what it saw:
  camera     http://{stack.LOOPBACK}:{pages[0]}
  gallery    http://{stack.LOOPBACK}:{pages[1]}
In another terminal:
  pictures   {places.endpoint} (S3), bucket {places.bucket},
             key {settings["AWS_ACCESS_KEY_ID"]}, secret {settings["AWS_SECRET_ACCESS_KEY"]}
  messages   mosquitto_sub -p {places.cloud_port} -V 5 -t 'usbcam/#' -F '%t %l bytes %P'
  logs       tail -F {parts.folder}/*/*.log
Ctrl-C ends it and removes everything but .venv.
""")


if __name__ == "__main__":
    sys.exit(end(lambda: run(int(sys.argv[1])), int(sys.argv[1]), float(sys.argv[2])))
