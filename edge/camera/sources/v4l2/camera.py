"""A USB camera that comes and goes: which one is meant, recognized when it comes back."""

import logging
import threading
import time
from collections.abc import Iterable

from camera.config.settings import Settings
from camera.config.source_spec import ANY_DEVICE, DeviceSpec
from camera.sources.frame import SourceError, Timeouts
from camera.sources.v4l2.discovery import (
    GRANT_POLL_SECONDS,
    GRANT_SECONDS,
    DeviceRegistry,
    InaccessibleDevice,
    VideoDevice,
    candidates,
    device_fingerprint,
    shared_serials,
)
from camera.sources.v4l2.errors import explain_os_error
from camera.sources.v4l2.negotiation import format_description
from camera.sources.v4l2.stream import ReconnectState, V4l2Stream, frame_timeout

log = logging.getLogger(__name__)

REATTACH_GRACE_SECONDS = 10.0  # how long the previous camera may be gone before another takes its place
OPEN_SECONDS = 15.0
MARGIN_SECONDS = 0.5  # a source gives up by itself; after that much more, a call into the driver hangs


class V4l2Camera:
    """The camera that CAMERA_SOURCE names, to be opened again and again."""

    def __init__(self, spec: DeviceSpec, settings: Settings, devices: DeviceRegistry) -> None:
        """Nothing happens before `open`."""
        self._spec, self._settings, self._devices = spec, settings, devices
        self._owner = settings.camera_name
        self._reconnect = ReconnectState()
        self._skipped = self._shared = ""  # what was said last
        self._fingerprint: object = None  # of the devices when `open` was tried last
        self.timeouts = Timeouts(OPEN_SECONDS, frame_timeout(settings) + MARGIN_SECONDS)

    @property
    def negotiated(self) -> str:
        """The device and format that were negotiated last; empty if nothing was."""
        device, negotiated = self._reconnect.device, self._reconnect.format
        if device is None or negotiated is None:
            return ""
        return f"{device.capabilities.card} ({device.name}): {format_description(negotiated)}"

    def should_retry_now(self) -> bool:
        """Whether a node came, went or changed since `open` was tried last."""
        return device_fingerprint(self._devices.devices) != self._fingerprint

    def open(self, stop: threading.Event) -> V4l2Stream:
        """Find it and start it; raises SourceError with the reason and the remedy."""
        granted_by = time.monotonic() + GRANT_SECONDS
        while True:
            try:
                return self._open()
            except SourceError:
                granted = self.should_retry_now() and time.monotonic() < granted_by  # while it was tried
                if not (granted or self._awaits_grant()) or stop.wait(GRANT_POLL_SECONDS):
                    raise

    def _open(self) -> V4l2Stream:
        self._fingerprint = device_fingerprint(self._devices.devices)
        failures: list[SourceError] = []
        for device in self._candidates():
            try:
                stream = V4l2Stream.open(device, self._settings, self._devices, self._reconnect)
            except SourceError as error:
                failures.append(error)
            else:
                self._remember(device)
                self._log_skipped(device, [*map(str, failures), *self._likelier_but_refused(device)])
                return stream
        raise failures[0] if failures else SourceError("No camera is there.")

    def _awaits_grant(self) -> bool:
        return any(each.awaits_grant for each in self._devices.inspect_all() if isinstance(each, InaccessibleDevice))

    def _likelier_but_refused(self, taken: VideoDevice) -> list[str]:
        """Why nodes that `auto` would rather have taken, or as gladly, cannot even be opened."""
        if not self._spec.is_any:
            return []
        return [
            explain_os_error(each.error, each.node, self._devices.devices)
            for each in self._devices.inspect_all()
            if isinstance(each, InaccessibleDevice) and each.first and (each.product or not taken.product)
        ]

    def _log_skipped(self, taken: VideoDevice, reasons: Iterable[str]) -> None:
        """Say why `auto` took this one and not a likelier one; once, not at each opening."""
        said = " ".join(reasons)
        if self._spec.is_any and said and said != self._skipped:
            remedy = f"set CAMERA_SOURCE=serial:{taken.serial}" if taken.serial else "name the camera in CAMERA_SOURCE"
            words = "%s: auto took %s (%s) and skipped others. %s To have one camera only, %s"
            log.warning(words, self._owner, taken.name, taken.capabilities.card, said, remedy)
        self._skipped = said

    def _log_shared_serial(self, fitting: Iterable[VideoDevice]) -> None:
        """Say that the serial means several cameras; once, not at each opening."""
        said = " ".join(shared_serials(fitting, self._devices.devices))
        if said and said != self._shared:
            log.warning("%s: %s", self._owner, said)
        self._shared = said

    def _candidates(self) -> list[VideoDevice]:
        """What to try, one after the other; never empty."""
        last, registry = self._reconnect.device, self._devices
        node = self._spec.node_path(registry.devices)
        # A number says little about a camera that comes back under another; links name the camera, or the port.
        if node is not None and (last is None or node.parent != registry.devices):
            return [self._named_device()]
        found = list(registry.inspect_all())
        fitting = [each for each in candidates(self._spec, found, last) if not self._claimed_by_another(each)]
        if last is not None and fitting and fitting[0].same_device(last):
            return fitting[:1]
        self._wait_for_previous_device()
        if node is not None:
            return [self._named_device()]
        if not fitting:
            raise SourceError(self._explain_no_device(found))
        self._log_shared_serial(fitting if self._spec.serial else ())
        return fitting

    def _named_device(self) -> VideoDevice:
        node = self._spec.node_path(self._devices.devices)
        assert node is not None  # noqa: S101  # only asked for sources that name a node
        try:
            device = self._devices.inspect(node)
        except OSError as error:
            raise SourceError(explain_os_error(error, node, self._devices.devices)) from error
        if not device.capabilities.captures:
            raise SourceError(self._explain_no_capture(device))
        return device

    def _explain_no_capture(self, device: VideoDevice) -> str:
        """Name the node that the user meant."""
        others = candidates(ANY_DEVICE, self._devices.inspect_all(), None)
        siblings = [other.name for other in others if other.capabilities.bus == device.capabilities.bus]
        remedy = f"set CAMERA_SOURCE={siblings[0]}" if siblings else "name another in CAMERA_SOURCE"
        card = device.capabilities.card
        if device.capabilities.multi_planar:
            return f"{device.name} of {card} gives multi-planar images, which are not supported: {remedy}."
        return f"{device.name} gives no images, it is for {card}'s metadata or output: {remedy}."

    def _explain_no_device(self, found: Iterable[VideoDevice | InaccessibleDevice]) -> str:
        """Say why no device is the one."""
        present = []
        for each in found:
            if isinstance(each, InaccessibleDevice):
                if self._spec.serial is None or each.serial in {"", self._spec.serial}:
                    return explain_os_error(each.error, each.node, self._devices.devices)
            elif each.capabilities.multi_planar and self._spec.serial in {None, each.serial}:
                return self._explain_no_capture(each)
            elif each.capabilities.captures:
                present.append(each)
        if present and self._spec.serial is not None:
            serials = ", ".join(f"{device.name}: {device.serial or 'none'}" for device in present)
            return f"No camera with CAMERA_SOURCE={self._spec} is plugged in. Serials that are: {serials}."
        return "No camera is plugged in: plug one in, or name a file or an address in CAMERA_SOURCE."

    def _wait_for_previous_device(self) -> None:
        """Raise SourceError while the camera that was open last may still come back."""
        state, now = self._reconnect, time.monotonic()
        if state.device is None:
            return
        state.missed_at = state.missed_at or now
        if now - state.missed_at < REATTACH_GRACE_SECONDS:
            raise SourceError(f"The camera {state.device.capabilities.card} is unplugged: plug it in again.")

    def _remember(self, device: VideoDevice) -> None:
        last = self._reconnect.device
        if last is not None and device.same_device(last) and device.name != last.name:
            log.info("The camera %s is %s now, it was %s", device.capabilities.card, device.name, last.name)
        if last is not None and not device.same_device(last):
            words = "%s: %s took the place of %s; to wait for one camera, name it in CAMERA_SOURCE (serial:%s)"
            log.warning(words, self._owner, device.capabilities.card, last.capabilities.card, last.serial or "...")
        self._reconnect.device, self._reconnect.missed_at = device, None
        self._devices.claim(self._owner, device)

    def _claimed_by_another(self, device: VideoDevice) -> bool:
        return self._devices.claimed_by_another(self._owner, device)
