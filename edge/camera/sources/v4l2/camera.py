"""A USB camera that comes and goes: which one is meant, and known again when it comes back."""

import logging
import threading
import time

from camera.config.settings import Settings
from camera.sources.frame import SourceError, Timeouts
from camera.sources.v4l2.discovery import (
    AUTO,
    SERIAL,
    InaccessibleDevice,
    Machine,
    VideoDevice,
    candidates,
    device_fingerprint,
    inspect,
    inspect_all,
    node_path,
)
from camera.sources.v4l2.errors import explain_os_error
from camera.sources.v4l2.negotiation import text
from camera.sources.v4l2.stream import ReconnectState, V4l2Stream, frame_timeout

log = logging.getLogger(__name__)

REATTACH_GRACE_SECONDS = 10.0  # so long the camera that was open may take to come back before another takes its place
OPEN_SECONDS = 15.0
MARGIN_SECONDS = 0.5  # a source gives up by itself; beyond that a call into the driver hangs


class V4l2Camera:
    """The camera that CAMERA_SOURCE means, to be opened again and again."""

    def __init__(self, settings: Settings, machine: Machine) -> None:
        """Nothing happens before `open`."""
        self._settings, self._machine = settings, machine
        self._memory = ReconnectState()
        self._seen: object = None
        self.timeouts = Timeouts(OPEN_SECONDS, frame_timeout(settings) + MARGIN_SECONDS)

    @property
    def mode(self) -> str:
        """What was negotiated last; empty if nothing was."""
        mode, camera = self._memory.mode, self._memory.camera
        return f"{camera.identity.card} ({camera.name}): {text(mode)}" if mode and camera else ""

    def should_retry_now(self) -> bool:
        """Whether a node came, went or changed since `open` was tried last."""
        return device_fingerprint(self._machine.devices) != self._seen

    def open(self, _stop: threading.Event) -> "V4l2Stream":
        """Find it and start it; raises SourceError with the reason and the mend."""
        self._seen = device_fingerprint(self._machine.devices)
        failure: SourceError | None = None
        for camera in self._wanted():
            try:
                source = V4l2Stream(camera, self._settings, self._machine, self._memory)
            except SourceError as error:
                failure = failure or error
            else:
                self._remember(camera)
                return source
        raise failure or SourceError("No camera is there.")

    def _wanted(self) -> list[VideoDevice]:
        """What to try, one after the other; never empty."""
        source, last = self._settings.camera_source, self._memory.camera
        path = node_path(source, self._machine.devices)
        # A number says little about a camera that comes back under another; links name the camera, or the port.
        if path is not None and (last is None or path.parent != self._machine.devices):
            return [self._named(source)]
        found = list(inspect_all(self._machine))
        fitting = [camera for camera in candidates(source, found, last) if not self._claimed_by_another(camera)]
        if last is not None and fitting and fitting[0].same_device(last):
            return fitting[:1]
        self._wait_for_previous_device()
        if path is not None:
            return [self._named(source)]
        if not fitting:
            raise SourceError(self._explain_no_device(source, found))
        return fitting

    def _named(self, source: str) -> VideoDevice:
        path = node_path(source, self._machine.devices)
        assert path is not None  # noqa: S101  # only asked for sources that name a node
        try:
            camera = inspect(path, self._machine)
        except OSError as error:
            raise SourceError(explain_os_error(error, path, self._machine.devices)) from error
        if not camera.identity.captures:
            raise SourceError(self._no_camera(camera))
        return camera

    def _no_camera(self, node: VideoDevice) -> str:
        """Name the node that the user meant."""
        siblings = candidates(AUTO, inspect_all(self._machine), None)
        beside = [camera.name for camera in siblings if camera.identity.bus == node.identity.bus]
        mend = f"set CAMERA_SOURCE={beside[0]}" if beside else "name another in CAMERA_SOURCE"
        return f"{node.name} gives no pictures, it is for {node.identity.card}'s metadata or output: {mend}."

    def _explain_no_device(self, source: str, found: list[VideoDevice | InaccessibleDevice]) -> str:
        """Say why no node is the one."""
        refused = [each for each in found if isinstance(each, InaccessibleDevice)]
        if refused:
            return explain_os_error(refused[0].error, refused[0].node, self._machine.devices)
        there = [each for each in found if isinstance(each, VideoDevice) and each.identity.captures]
        if there and source.startswith(SERIAL):
            serials = ", ".join(f"{camera.name}: {camera.serial or 'none'}" for camera in there)
            return f"No camera with CAMERA_SOURCE={source} is plugged in. Serials that are: {serials}."
        return "No camera is plugged in: plug one in, or name a file or an address in CAMERA_SOURCE."

    def _wait_for_previous_device(self) -> None:
        """Raise SourceError while the camera that was open last may still come back."""
        last, now = self._memory.camera, time.monotonic()
        if last is None:
            return
        self._memory.missed_at = self._memory.missed_at or now
        if now - self._memory.missed_at < REATTACH_GRACE_SECONDS:
            raise SourceError(f"The camera {last.identity.card} is unplugged: plug it in again.")

    def _remember(self, camera: VideoDevice) -> None:
        last = self._memory.camera
        if last is not None and camera.same_device(last) and camera.name != last.name:
            log.info("The camera %s is %s now, it was %s", camera.identity.card, camera.name, last.name)
        self._memory.camera, self._memory.missed_at = camera, None
        self._machine.claims[id(self)] = camera

    def _claimed_by_another(self, camera: VideoDevice) -> bool:
        """Whether somebody else in this process had it open last: makers give two cameras the same serial."""
        return any(camera.same_port(theirs) for who, theirs in self._machine.claims.items() if who != id(self))
