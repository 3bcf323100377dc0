"""Every MQTT topic of the product.

The bridge renames what an edge publishes: `usbcam/images` there is `usbcam/<edge>/images` in the cloud. The shell
scripts and mosquitto.conf have their own spellings; tests/contract compares them.
"""

import re

EDGE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
CAMERA_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
# Words of topics at an edge, and a folder of the bucket. The uploaders' own, _ and what begins with it, match no name.
RESERVED_EDGE_NAMES = frozenset({"images", "visits", "status", "receipts", "command", "rejected"})

# At an edge, forwarded to the cloud
IMAGES = "usbcam/images"
VISITS = "usbcam/visits"
STATUS_PREFIX = "usbcam/status/"
ALL_STATUSES = "usbcam/status/+"
COMMAND_PREFIX = "usbcam/command/"
# At an edge, from the cloud
RECEIPTS = "usbcam/receipts"
# At an edge, and nowhere else: only what is below usbcam/ is forwarded
BRIDGE_STATE = "usbcam-bridge/state"  # 0 or 1, published by the bridge itself
TOKEN = "usbcam-bridge/token"  # noqa: S105 -- a topic; published by the edge broker's start.sh
EDGE = "usbcam-bridge/edge"  # the edge's name, and whether there is a bridge to Home Assistant; by start.sh, too
LOCAL_PREFIX = "usbcam-camera/"  # pings: a publish that only proves that the broker answers

# In the cloud
EVERYTHING = "usbcam/#"
EVERY_EDGES_IMAGES = "usbcam/+/images"
EVERY_EDGES_RECEIPTS = "usbcam/+/receipts"
EVERY_EDGES_STATUSES = "usbcam/+/status/+"
EVERY_EDGES_VISITS = "usbcam/+/visits"
# What the gallery needs: receipts, in whose form uploaders tell of themselves, and what cameras say. No image.
GALLERY_READS = (EVERY_EDGES_STATUSES, EVERY_EDGES_VISITS, EVERY_EDGES_RECEIPTS)
SHARED_IMAGES = f"$share/uploaders/{EVERY_EDGES_IMAGES}"
# Clients inside the cloud may publish receipts only, and no edge is called _ or begins with it.
UPLOADER_STATUS_REQUEST = "usbcam/_/receipts"
UPLOADER_STATUSES = "usbcam/_uploaders/receipts"  # where each uploader says every 10 s how it is
UPLOADER_STATUS_RESPONSE = re.compile(r"usbcam/_[a-z0-9-]{1,60}/receipts")
EVERY_OFFENDER = "usbcam/_/offenders/+"  # where an uploader names an edge that the broker then holds off


def offender(edge: str) -> str:
    """Where the uploader says that this edge sends what no camera sends."""
    return f"{EVERY_OFFENDER.removesuffix('+')}{edge}"


def status(camera: str) -> str:
    """Where a camera's status is retained."""
    return f"{STATUS_PREFIX}{camera}"


def command(camera: str) -> str:
    """Where a camera takes commands."""
    return f"{COMMAND_PREFIX}{camera}"


def ping(client: str) -> str:
    """Where a client publishes to see whether the broker answers."""
    return f"{LOCAL_PREFIX}{client}"


def homeassistant_image(camera: str) -> str:
    """Where the last capture is retained for Home Assistant."""
    return f"usbcam-homeassistant/{camera}"


def homeassistant_event(camera: str) -> str:
    """Where each capture is told to Home Assistant; not retained."""
    return f"usbcam-homeassistant/{camera}/captured"


def homeassistant_discovery(device: str) -> str:
    """Where Home Assistant looks for devices."""
    return f"homeassistant/device/{device}/config"


def homeassistant_bridge(edge: str) -> str:
    """Where the bridge to Home Assistant's broker tells both brokers whether it is up: 1 or 0."""
    return f"usbcam-bridge/homeassistant/{edge}"


def bridged_to_homeassistant(topic: str, edge: str) -> str:
    """What the bridge calls a camera's topic at Home Assistant's broker, where other edges are as well."""
    first, _, rest = topic.partition("/")
    return f"{first}/{edge}/{rest}"


def edge_images(edge: str) -> str:
    """Where an edge's images arrive in the cloud."""
    return f"usbcam/{edge}/images"


def edge_receipts(edge: str) -> str:
    """Where the cloud publishes an edge's receipts."""
    return f"usbcam/{edge}/receipts"


def edge_writes(edge: str) -> tuple[str, ...]:
    """Where an edge may publish in the cloud: exactly what the product uses."""
    return edge_images(edge), f"usbcam/{edge}/visits", f"usbcam/{edge}/status/+"


def edge_commands(edge: str) -> str:
    """Where an edge's bridge brings what people told its cameras; nobody in the cloud reads it."""
    return f"usbcam/{edge}/command/+"


def is_edge_name(name: str) -> bool:
    """Whether an edge may be called that."""
    return EDGE_NAME.fullmatch(name) is not None and name not in RESERVED_EDGE_NAMES


def edge_of_images(topic: str) -> str:
    """The edge that sent images to this topic, unchecked."""
    return topic.removeprefix("usbcam/").removesuffix("/images")


def is_status(topic: str) -> bool:
    """Whether a topic in the cloud has a camera's status."""
    return "/status/" in topic


def is_visits(topic: str) -> bool:
    """Whether a topic in the cloud has an edge's visits."""
    return topic.endswith("/visits")


def edge_and_camera(topic: str) -> tuple[str, str]:
    """The edge and the camera of a status in the cloud, unchecked."""
    _, edge, _, camera = topic.split("/", 3)
    return edge, camera


def edge_of_visits(topic: str) -> str:
    """The edge that told of a visit, unchecked."""
    return topic.removeprefix("usbcam/").removesuffix("/visits")


def edge_of_receipts(topic: str) -> str:
    """The edge that these receipts are for, unchecked."""
    return topic.removeprefix("usbcam/").removesuffix("/receipts")


def uploader_status_response(client_id: str) -> str:
    """Where a client that requests the uploaders' status waits for responses."""
    return f"usbcam/_{client_id}/receipts"


def is_uploader_status_response(topic: str) -> bool:
    """Whether a response topic is one of those, and not an edge's."""
    return UPLOADER_STATUS_RESPONSE.fullmatch(topic) is not None
