"""What a broker grants: the uploader refuses aloud what cannot work, in health and in `check`, and adapts to less."""

from collections.abc import Callable, Iterator

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from common.contract import topics
from common.runtime.check_result import Status
from dev.harness.process import LOOPBACK, wait_for
from tests.cloud.rig import Broker
from tests.support.played_broker import PlayedBroker
from uploader.admin.broker import BrokerProbe, check_broker
from uploader.ingest.offences import Offences
from uploader.mqtt.delivery import Deliveries
from uploader.mqtt.granted import Granted
from uploader.mqtt.inbox import Inbox
from uploader.mqtt.session import NO_EXPIRY, receipt_refused, session_config
from uploader.mqtt.subscriber import Subscriber
from uploader.settings import Settings

MAX_RECEIVE = 0xFFFF  # messages in flight, MQTT's own limit
SILENCE_SECONDS = 60.0
UNUSABLE = [
    (2, {"SharedSubscriptionAvailable": 0}, "set UPLOADERS=1 and raise UPLOAD_THREADS"),
    (1, {"WildcardSubscriptionAvailable": 0}, "no wildcard subscriptions"),
    (1, {"MaximumQoS": 0}, "allow QoS 1 there"),
    (1, {"MaximumPacketSize": 65536}, "at most 65536 bytes"),
]


@pytest.fixture
def play() -> Iterator[Callable[..., PlayedBroker]]:
    brokers: list[PlayedBroker] = []

    def start(*, granted_qos: int = 1, **granted: int) -> PlayedBroker:
        brokers.append(PlayedBroker(granted_qos=granted_qos, **granted))
        return brokers[-1]

    yield start
    for broker in brokers:
        broker.close()


@pytest.fixture
def connect() -> Iterator[Callable[[int, int], Subscriber]]:
    subscribers: list[Subscriber] = []

    def start(port: int, uploaders: int) -> Subscriber:
        session = session_config(uploaders)
        subscribers.append(Subscriber(session, LOOPBACK, port, Inbox(Deliveries(1), Offences())))
        subscribers[-1].start()
        return subscribers[-1]

    yield start
    for subscriber in subscribers:
        subscriber.stop()


def wait_for_problem(subscriber: Subscriber, words: str) -> None:
    wait_for(lambda: words in (subscriber.problem(SILENCE_SECONDS) or ""), seconds=20, what=f"a problem: {words}")


@pytest.mark.parametrize(("uploaders", "granted", "words"), UNUSABLE)
def test_what_cannot_work_is_a_problem_and_nothing_is_subscribed(
    play: Callable[..., PlayedBroker],
    connect: Callable[[int, int], Subscriber],
    uploaders: int,
    granted: dict[str, int],
    words: str,
) -> None:
    broker = play(**granted)

    subscriber = connect(broker.port, uploaders)

    wait_for_problem(subscriber, words)
    subscriber.ping()
    assert not subscriber.connection.is_up
    assert broker.subscriptions == []


@pytest.mark.parametrize(("uploaders", "granted", "words"), UNUSABLE)
def test_check_fails_for_what_cannot_work(
    play: Callable[..., PlayedBroker], uploaders: int, granted: dict[str, int], words: str
) -> None:
    broker = play(**granted)
    settings = Settings(
        s3_bucket="faces", cloud_broker_host=LOOPBACK, cloud_broker_port=broker.port, uploaders=uploaders
    )

    first, *_ = check_broker(settings)

    assert first.status is Status.FAIL
    assert words in first.message


def test_a_subscription_granted_at_qos_0_is_a_problem(
    play: Callable[..., PlayedBroker], connect: Callable[[int, int], Subscriber]
) -> None:
    broker = play(granted_qos=0)

    subscriber = connect(broker.port, 1)

    wait_for_problem(subscriber, "at QoS 0 alone")


def test_a_single_uploader_needs_no_shared_subscriptions(
    play: Callable[..., PlayedBroker], connect: Callable[[int, int], Subscriber]
) -> None:
    broker = play(SharedSubscriptionAvailable=0, MaximumQoS=1, TopicAliasMaximum=5, ReceiveMaximum=10)

    subscriber = connect(broker.port, 1)

    wait_for(lambda: subscriber.problem(SILENCE_SECONDS) is None, seconds=20, what="the subscription")


def test_a_shorter_session_is_taken_and_said(
    play: Callable[..., PlayedBroker], connect: Callable[[int, int], Subscriber], caplog: pytest.LogCaptureFixture
) -> None:
    broker = play(SessionExpiryInterval=86400)

    subscriber = connect(broker.port, 1)

    wait_for(lambda: subscriber.problem(SILENCE_SECONDS) is None, seconds=20, what="the subscription")
    assert "keeps the uploader's session for 86400 s, not indefinitely" in caplog.text


def test_the_status_question_is_subscribed_at_qos_1(
    play: Callable[..., PlayedBroker], connect: Callable[[int, int], Subscriber]
) -> None:
    broker = play()

    subscriber = connect(broker.port, 1)

    wait_for(lambda: subscriber.problem(SILENCE_SECONDS) is None, seconds=20, what="the subscription")
    question = topics.UPLOADER_STATUS_REQUEST.encode()
    assert broker.subscriptions[0].partition(question)[2][:1] == b"\x01"


def test_a_property_that_is_not_there_means_what_mqtt_says() -> None:
    everything = Granted.read(Properties(PacketTypes.CONNACK))  # type: ignore[no-untyped-call]

    assert everything == Granted() == Granted.read(None)
    assert everything.refusal(session_config(2)) is None


def test_mosquitto_grants_everything(broker: Broker) -> None:
    with BrokerProbe(LOOPBACK, broker.port) as probe:
        for uploaders in (1, 2):
            session = session_config(uploaders)
            assert probe.granted.refusal(session) is None
            assert probe.granted.shortfall(session) is None
    assert session_config(1).expiry_seconds == NO_EXPIRY


@pytest.mark.parametrize("uploaders", [1, 2, 100])
def test_each_uploader_takes_all_that_waits_so_that_edges_do_not_wait_for_each_other_at_the_broker(
    uploaders: int,
) -> None:
    assert session_config(uploaders).window == MAX_RECEIVE


@pytest.mark.parametrize(("reason", "is_told"), [("Not authorized", True), ("Implementation specific error", False)])
def test_a_refused_receipt_names_the_password_where_that_is_the_reason(reason: str, is_told: bool) -> None:  # noqa: FBT001
    said = receipt_refused(ReasonCode(PacketTypes.PUBACK, reason))

    assert said.startswith(f"it refused a receipt ({reason}), so cameras keep and send again what is stored")
    assert ("CLOUD_BROKER_PASSWORD_FILE" in said) == is_told
