"""The cameras that run: how they are, a command for them, and what one of them sees."""

import http.client
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from datetime import datetime

from camera.config.schedule import PAUSE
from camera.config.settings import Settings
from camera.diagnostics.broker import read_retained
from camera.diagnostics.snapshot import SnapshotError, UnknownCameraError
from common.contract import topics
from common.contract.status import CameraReport, CameraState
from common.mqtt import new_client
from common.os_error import plain_reason
from common.runtime.deployment import log_of, start
from common.runtime.settings import SettingsError, read_secret_file

REPLY_TIMEOUT_SECONDS = 5.0
APPLY_TIMEOUT_SECONDS = 10.0
NOT_FOUND = 404


class CommandError(Exception):
    """The command did not reach the camera; the text is a sentence for the user."""


def describe(cameras: Sequence[Settings]) -> Iterator[str]:
    """A line for each camera, and one for what waits."""
    broker = read_retained(cameras[0])
    if not broker.answers:
        yield f"  edge-broker does not answer; {log_of('edge-broker')} says why"
        return
    for camera in cameras:
        yield f"  {camera.camera_name:<14} {_describe(broker.statuses.get(camera.camera_name, CameraReport()))}"
    waiting = [status.waiting for status in broker.statuses.values() if status.waiting is not None]
    bridge = {"1": "is up", "0": "is down"}.get(broker.bridge, "has not reported")
    yield f"  {max(waiting, default=0)} captures wait; the bridge to the cloud {bridge}"


def _describe(status: CameraReport) -> str:
    if not status.online:
        return "offline"
    words = [status.state or "running", f"{status.frames_per_second or 0} frames a second"]
    words.append(f"last picture {_ago(status.last_captured_at)}")
    if status.problem:
        words.append(status.problem)
    return ", ".join(words)


def _ago(captured_at: datetime | None) -> str:
    return f"{max(0, time.time() - captured_at.timestamp()):.0f} s ago" if captured_at else "none since its start"


def command(cameras: Sequence[Settings], name: str | None, text: str) -> Iterator[str]:
    """Retain a command for the named camera, or for all, and say when it is applied; raises CommandError."""
    chosen = [camera.camera_name for camera in cameras if name in {None, camera.camera_name}]
    if not chosen:
        names = ", ".join(camera.camera_name for camera in cameras)
        raise UnknownCameraError(f"{name}: there is no such camera, there are: {names}.")
    _publish(cameras[0], chosen, text)
    yield from _applied(cameras[0], chosen, paused=text == PAUSE)


def _publish(settings: Settings, names: Sequence[str], text: str) -> None:
    client = new_client()
    client.connect_timeout = REPLY_TIMEOUT_SECONDS
    try:
        client.connect(settings.edge_broker_host, settings.edge_broker_port)
    except OSError as error:
        why = plain_reason(error)
        raise CommandError(f"The edge broker does not answer ({why}); {start('edge-broker')} starts it.") from error
    client.loop_start()
    try:
        for name in names:
            client.publish(topics.command(name), text, qos=1, retain=True).wait_for_publish(REPLY_TIMEOUT_SECONDS)
    finally:
        client.disconnect()
        client.loop_stop()


def _applied(settings: Settings, names: Sequence[str], *, paused: bool) -> Iterator[str]:
    """Say how each camera is, as soon as it says so itself."""
    deadline = time.monotonic() + APPLY_TIMEOUT_SECONDS
    left = list(names)
    while left and time.monotonic() < deadline:
        statuses = read_retained(settings).statuses
        for name in list(left):
            if name in statuses and (statuses[name].state == CameraState.PAUSED) == paused:
                left.remove(name)
                yield f"{name} is paused; ./usbcam resume lets it run again." if paused else f"{name} runs again."
    for name in left:
        yield f"{name} has the command, and applies it when its schedule or its start lets it."


def preview(settings: Settings) -> bytes:
    """What the running service sees now, as a JPEG; raises SnapshotError."""
    if not settings.page_port:
        raise SnapshotError("The service has the camera, and LIVE_PORT=0 hides what it sees: ./usbcam pause first.")
    connection = http.client.HTTPConnection("127.0.0.1", settings.page_port, timeout=REPLY_TIMEOUT_SECONDS)
    try:
        connection.request("GET", f"/cameras/{settings.camera_name}/preview.jpg", headers=_login(settings))
        response = connection.getresponse()
        content = response.read()
    except OSError as error:
        why = plain_reason(error)
        raise SnapshotError(f"The live page does not answer ({why}); {log_of('camera')} says why.") from error
    finally:
        connection.close()
    if response.status == NOT_FOUND:
        raise SnapshotError(f"{settings.camera_name} sees nothing now: it is paused, or has no frame yet.")
    if response.status != http.client.OK:
        raise SnapshotError(f"The live page answered {response.status} instead of an image.")
    return content


def _login(settings: Settings) -> dict[str, str]:
    password = settings.live_password.get_secret_value()
    if settings.live_password_file:
        try:
            password = read_secret_file(settings.live_password_file, "LIVE_PASSWORD_FILE")
        except SettingsError as error:
            raise SnapshotError(str(error)) from error
    return {"Authorization": "Basic " + b64encode(f":{password}".encode()).decode()} if password else {}
