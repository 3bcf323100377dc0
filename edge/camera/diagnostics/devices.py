"""The cameras of this machine, as the doctor lists them."""

from collections.abc import Iterator

from camera.diagnostics.finding import Finding, ill, known, well
from camera.sources.v4l2.discovery import DeviceRegistry, InaccessibleDevice, VideoDevice
from camera.sources.v4l2.errors import explain_os_error

MOST_SIZES = 4


def findings(registry: DeviceRegistry) -> Iterator[Finding]:
    """One line for each node that captures or is refused."""
    found = list(registry.inspect_all())
    cameras = [each for each in found if isinstance(each, VideoDevice) and each.capabilities.captures]
    refused = [each for each in found if isinstance(each, InaccessibleDevice)]
    for camera in cameras:
        yield well(f"{camera.name} is {_name(camera)}: {_formats(camera, registry)}.")
    for node in refused:
        yield ill(explain_os_error(node.error, node.node, registry.devices))
    if not found:
        yield ill("No camera is plugged in: plug one in; in a container, use the shipped docker-compose.edge.yml.")
    elif not cameras and not refused:
        yield known("There are video nodes, but none of them captures.")


def _name(camera: VideoDevice) -> str:
    serial = f"serial:{camera.serial}" if camera.serial else "without a serial"
    return f"{camera.capabilities.card} ({serial}, {camera.capabilities.driver}, {camera.capabilities.bus})"


def _formats(camera: VideoDevice, registry: DeviceRegistry) -> str:
    try:
        node = registry.open_node(camera.node)
        try:
            formats = [_format(code, node.frame_sizes(code)) for code in node.pixel_formats()]
        finally:
            node.close()
    except OSError as error:
        return f"its formats are not known ({error.strerror})"
    return "; ".join(formats) or "it names no formats"


def _format(code: str, sizes: list[tuple[int, int]]) -> str:
    largest = sorted(sizes, key=lambda size: -size[0] * size[1])[:MOST_SIZES]
    more = ", ..." if len(sizes) > MOST_SIZES else ""
    return f"{code} {', '.join(f'{width}x{height}' for width, height in largest)}{more}".strip()
