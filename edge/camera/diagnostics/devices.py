"""The cameras that are plugged in, as the doctor lists them."""

import threading
from collections.abc import Iterator

from camera.sources.v4l2.discovery import DeviceRegistry, InaccessibleDevice, VideoDevice, shared_serials
from camera.sources.v4l2.errors import explain_os_error
from common.runtime.check_result import CheckResult, failed, info, passed, warned

MAX_SIZES = 4
MAX_FORMATS = 12  # a node may name a hundred


def check_devices(registry: DeviceRegistry) -> Iterator[CheckResult]:
    """One line for each device that captures or cannot be opened."""
    found = registry.inspect_granted(threading.Event())
    cameras = [device for device in found if isinstance(device, VideoDevice) and device.capabilities.captures]
    inaccessible = [device for device in found if isinstance(device, InaccessibleDevice)]
    for camera in cameras:
        yield passed(camera.name, f"{_describe(camera)}: {_formats(camera, registry)}.")
    for words in shared_serials(cameras, registry.devices):
        yield warned("devices", words)
    for device in found:
        if isinstance(device, VideoDevice) and device.capabilities.multi_planar:
            yield info(device.name, f"{device.capabilities.card} gives multi-planar images, which are not supported.")
    for device in inaccessible:
        yield failed(f"/dev/{device.node.name}", explain_os_error(device.error, device.node, registry.devices))
    if not found:
        yield failed(
            "devices", "No camera is plugged in: plug one in; in a container, use the shipped docker-compose.edge.yml."
        )
    elif not cameras and not inaccessible:
        yield info("devices", "There are video device nodes, but none of them captures.")


def _describe(camera: VideoDevice) -> str:
    serial = f"serial:{camera.serial}" if camera.serial else "without a serial"
    return f"{camera.capabilities.card} ({serial}, {camera.capabilities.driver}, {camera.capabilities.bus})"


def _formats(camera: VideoDevice, registry: DeviceRegistry) -> str:
    try:
        node = registry.open_node(camera.node)
        try:
            offered = node.pixel_formats()
            formats = [_format(code, node.frame_sizes(code)) for code in offered[:MAX_FORMATS]]
        finally:
            node.close()
    except (OSError, ValueError) as error:  # whatever a driver answers, the doctor goes on
        return f"its formats are not known ({getattr(error, 'strerror', None) or error})"
    more = [f"and {len(offered) - MAX_FORMATS} more"] if len(offered) > MAX_FORMATS else []
    return "; ".join([*formats, *more]) or "it names no formats"


def _format(code: str, sizes: list[tuple[int, int]]) -> str:
    largest = sorted(sizes, key=lambda size: -size[0] * size[1])[:MAX_SIZES]
    more = ", ..." if len(sizes) > MAX_SIZES else ""
    return f"{code.strip()} {', '.join(f'{width}x{height}' for width, height in largest)}{more}".strip()
