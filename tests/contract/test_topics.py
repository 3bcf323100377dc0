"""The topics of the product, and those that the shipped broker files spell for themselves."""

import re

from common.contract import topics
from tests.support.paths import ROOT

EDGE_CONFIGURATION = (ROOT / "mosquitto" / "edge" / "mosquitto.conf").read_text()
EDGE_START = (ROOT / "mosquitto" / "edge" / "start.sh").read_text()
CLOUD_START = (ROOT / "mosquitto" / "cloud" / "start.sh").read_text()


CLOUD_BRIDGE = EDGE_CONFIGURATION.partition("connection cloud\n")[2]
HOME_BRIDGE = EDGE_CONFIGURATION.partition("connection homeassistant\n")[2].partition("\n\n")[0]


def bridged(direction: str) -> dict[str, str]:
    """Topics at the edge, and what the bridge calls them in the cloud."""
    rules = re.findall(rf"^topic (\S+) {direction} 1 (\S+) (\S+)$", CLOUD_BRIDGE, re.MULTILINE)
    return {local + topic: remote.replace("@EDGE_NAME@", "porch") + topic for topic, local, remote in rules}


def test_the_bridge_forwards_images_and_visits_under_the_edges_name() -> None:
    assert bridged("out") == {topics.EVERYTHING: "usbcam/porch/#"}
    for topic in (topics.IMAGES, topics.VISITS, topics.status("+")):
        assert topic.replace("usbcam/", "usbcam/porch/") in topics.edge_writes("porch")
    assert topics.edge_images("porch") == topics.IMAGES.replace("usbcam/", "usbcam/porch/")
    for topic in (topics.IMAGES, topics.VISITS, topics.status("door"), topics.command("door")):
        assert topic.startswith(topics.EVERYTHING.removesuffix("#"))


def test_the_bridge_brings_receipts_back() -> None:
    assert bridged("in") == {topics.RECEIPTS: topics.edge_receipts("porch")}


def test_what_stays_at_the_edge_is_not_forwarded() -> None:
    for topic in (
        topics.BRIDGE_STATE,
        topics.TOKEN,
        topics.EDGE,
        topics.ping("door"),
        topics.homeassistant_image("door"),
    ):
        assert not topic.startswith(topics.EVERYTHING.removesuffix("#"))


def test_home_assistants_broker_gets_statuses_and_images_and_sends_commands() -> None:
    rules = re.findall(r"^topic (\S*)# (out|in) [01](?: (\S+) (\S+))?$", HOME_BRIDGE, re.MULTILINE)
    called = {(way, local + topic): (remote or local) + topic for topic, way, local, remote in rules}

    assert called.pop(("out", topics.homeassistant_discovery("").partition("//")[0] + "/"))
    expected = {("out", topics.STATUS_PREFIX), ("out", topics.homeassistant_image("")), ("in", topics.COMMAND_PREFIX)}
    assert called == {rule: topics.bridged_to_homeassistant(rule[1], "@HOST@") for rule in expected}
    assert f"notification_topic {topics.homeassistant_bridge('@HOST@')}" in HOME_BRIDGE


def test_the_edge_broker_publishes_the_bridges_state_and_the_token() -> None:
    assert f"notification_topic {topics.BRIDGE_STATE}" in EDGE_CONFIGURATION
    published = re.search(r'-t "(\S+/)\$1"', EDGE_START)
    assert published
    assert topics.TOKEN.startswith(published[1])
    assert topics.EDGE.startswith(published[1])


def test_the_cloud_broker_subscribes_for_the_first_uploader() -> None:
    subscribed = set(re.findall(r"-t '(usbcam/\S+)'", CLOUD_START))

    assert subscribed == {topics.EVERY_EDGES_IMAGES, topics.UPLOADER_STATUS_REQUEST}


def test_an_edge_is_read_from_its_topics() -> None:
    assert topics.edge_of_images(topics.edge_images("porch")) == "porch"
    assert topics.edge_of_receipts(topics.edge_receipts("porch")) == "porch"


def test_uploaders_respond_where_no_edge_listens() -> None:
    assert topics.is_uploader_status_response(topics.uploader_status_response("check-0af3"))
    for topic in (
        topics.edge_receipts("porch"),
        topics.UPLOADER_STATUS_REQUEST,
        "usbcam/_a/images",
        "usbcam/_A/receipts",
    ):
        assert not topics.is_uploader_status_response(topic)


def test_the_two_halves_spell_no_topic_for_themselves() -> None:
    spelled = re.compile(r"[\"'](?:\$share/\w+/)?usbcam(?:-bridge|-camera|-homeassistant)?/[^\"' ]*[\"']")
    sources = [path for half in ("edge", "cloud") for path in (ROOT / half).rglob("*.py")]

    found = {str(path.relative_to(ROOT)): spelled.findall(path.read_text()) for path in sources}

    assert sources
    assert {name: hits for name, hits in found.items() if hits} == {}
