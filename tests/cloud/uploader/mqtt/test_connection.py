"""What one snapshot of the connection tells."""

from dataclasses import replace

import pytest

from uploader.mqtt.connection import MAX_PENDING_PINGS, Connection, Phase

NOW = 1000.0
SUBSCRIBED = Connection(1, Phase.SUBSCRIBED, last_ack_at=NOW)


def problem(connection: Connection, now: float = NOW) -> str | None:
    return connection.describe_problem("broker:1883", now, max_silence_seconds=60)


def test_a_subscribed_connection_is_healthy_until_the_broker_is_silent() -> None:
    assert problem(SUBSCRIBED) is None
    assert problem(SUBSCRIBED, NOW + 60) is None
    assert problem(SUBSCRIBED, NOW + 61) == "the broker at broker:1883 has not answered for 61 s"


@pytest.mark.parametrize("phase", [Phase.CONNECTING, Phase.CONNECTED, Phase.LOST])
def test_without_a_subscription_the_latest_problem_is_named(phase: Phase) -> None:
    start = "not subscribed at the broker at broker:1883: "

    assert problem(Connection(1, phase)) == f"{start}it has not answered yet"
    assert problem(Connection(1, phase, problem="no route")) == f"{start}no route"


@pytest.mark.parametrize("phase", [Phase.CONNECTED, Phase.SUBSCRIBED])
def test_a_connection_is_stuck_when_pings_are_not_acknowledged(phase: Phase) -> None:
    connection = replace(SUBSCRIBED, phase=phase, pending_pings=MAX_PENDING_PINGS)

    assert not connection.is_stuck
    assert replace(connection, pending_pings=MAX_PENDING_PINGS + 1).is_stuck


@pytest.mark.parametrize("phase", [Phase.CONNECTING, Phase.LOST])
def test_a_connection_that_is_down_is_not_stuck(phase: Phase) -> None:
    assert not Connection(1, phase, pending_pings=MAX_PENDING_PINGS + 1).is_stuck
