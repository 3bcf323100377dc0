"""What remains of an edge that was revoked: nothing."""

import pytest

from dev.harness.services import wait_for
from tests.support.images import pictures
from tests.support.mqtt import Client
from tests.support.programs.journey import Journey
from tests.support.rig import CloudBroker


def session_of(broker: CloudBroker, name: str) -> bool:
    """Tell whether the broker keeps a session under this name; asking keeps it."""
    with Client(broker.port, name, keep_session=True) as asking:
        return asking.session_present


@pytest.mark.parametrize("when", ["running", "stopped"])
def test_a_revoked_edges_session_ends_also_when_the_broker_was_down(cloud_broker: CloudBroker, when: str) -> None:
    for name in ("porch", "attic"):
        edge = Client(cloud_broker.outside_port, name, keep_session=True, credentials=cloud_broker.credentials(name))
        with edge:
            edge.subscribe(f"usbcam/{name}/receipts")
    if when == "stopped":
        cloud_broker.stop()

    applied = cloud_broker.enrolment.revoke("porch")

    assert applied == (when == "running")
    if when == "stopped":
        cloud_broker.start()
    wait_for(cloud_broker.enrolment.is_applied, seconds=20, what="the broker to apply it")
    assert session_of(cloud_broker, "attic")
    assert not session_of(cloud_broker, "porch")


def test_what_waits_of_a_revoked_edge_is_dropped_unread_and_the_others_are_stored(journey: Journey) -> None:
    broker = journey.cloud_broker
    for number in range(10):
        for name in ("porch", "attic"):
            with Client(broker.outside_port, credentials=broker.credentials(name)) as edge:
                edge.publish(f"usbcam/{name}/images", pictures.png(number))
    broker.enrolment.revoke("porch")

    uploader = journey.uploader()

    keys = journey.wait_for_objects(10)
    wait_for(lambda: "which is revoked: 8 so far" in uploader.tail(100), seconds=20, what="a line for the revoked edge")
    assert all(key.startswith("attic/") for key in keys)
