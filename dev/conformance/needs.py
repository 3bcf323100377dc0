"""What an uploader needs of a broker, each tried with messages; what CONNACK says is believed by nobody."""

import contextlib
from collections.abc import Callable

from paho.mqtt.packettypes import PacketTypes

from common.contract import topics
from common.mqtt import NO_MATCHING_SUBSCRIBERS
from dev.conformance.client import Broker, LessGrantedError, NotGrantedError, new_name, properties
from uploader.mqtt.callbacks import SESSION_TAKEN_OVER
from uploader.mqtt.session import NO_EXPIRY, session_config

MEGABYTE = 1 << 20
DESCRIPTION = 4096  # bytes of topic and properties
BACKLOG = 2000  # Mosquitto's default drops what exceeds 1,000, and acknowledges it
WINDOW = 5
SHARED = 20
AWAY_SECONDS = 300

Need = Callable[[Broker], str]


def connection(broker: Broker) -> str:
    with broker.client():
        return "a client comes in by MQTT 5"


def wildcards(broker: Broker) -> str:
    topic = topics.edge_images(new_name())
    with broker.client() as reader, broker.client() as sender:
        reader.acknowledge_always()
        reader.require(topics.EVERY_EDGES_IMAGES)
        sender.publish(topic, b"image")
        reader.wait(lambda: any(message.topic == topic for message in reader.messages), "a message by wildcard")
    return f"one subscription, {topics.EVERY_EDGES_IMAGES}, brings the images of every edge"


def acknowledgements(broker: Broker) -> str:
    topic = topics.edge_images(new_name())
    with broker.client() as reader, broker.client() as sender:
        reader.require(topic)
        sender.send(topic, b"image", "a message is refused")
        if (qos := reader.take(1)[0].qos) != 1:
            raise NotGrantedError(f"a message of QoS 1 arrives at QoS {qos}")
    return "QoS 1 from publisher to subscriber"


def properties_kept(broker: Broker) -> str:
    topic = topics.edge_images(new_name())
    pairs = [("schema", "1"), ("camera", "door"), ("name", "Tür"), ("camera", "again")]
    sent = {"ContentType": "image/png", "ResponseTopic": "usbcam/_x/receipts", "UserProperty": pairs}
    with broker.client() as reader, broker.client() as sender:
        reader.require(topic)
        sender.publish(topic, b"image", properties(PacketTypes.PUBLISH, **sent))
        arrived = reader.take(1)[0].properties
    lost = [name for name, value in sent.items() if getattr(arrived, name, None) != value]
    if lost:
        raise NotGrantedError(f"{', '.join(lost)} did not arrive as sent")
    return "content type, response topic and user properties arrive, in their order"


def size(broker: Broker) -> str:
    image = bytes(broker.image_megabytes * MEGABYTE - DESCRIPTION)
    topic = topics.edge_images(new_name())
    with broker.client() as reader, broker.client() as sender:
        limit = sender.granted.max_packet_bytes
        if limit is not None and limit < broker.image_megabytes * MEGABYTE:
            raise NotGrantedError(f"packets of at most {limit} bytes, and an image may have {len(image)}")
        reader.require(topic)
        sender.send(topic, image, f"an image of {len(image)} bytes is refused")
        if len(reader.take(1)[0].payload) != len(image):
            raise NotGrantedError("an image arrives with another length")
    return f"images of {broker.image_megabytes} MB arrive whole"


def session(broker: Broker) -> str:
    topic, wanted = topics.edge_images(new_name()), session_config(1)
    with broker.client(expiry_seconds=NO_EXPIRY) as reader:
        shortfall = reader.granted.shortfall(wanted)
        reader.require(topic)
    with broker.client() as sender:
        sender.publish(topic, b"while away")
    with broker.client(reader.client_id, clean=False) as reader:
        if not reader.session_present:
            raise NotGrantedError("a session is gone when its client is")
        reader.acknowledge(reader.take(1))
    if shortfall:
        raise LessGrantedError(shortfall)
    return "kept without end, and it brings what came meanwhile"


def backlog(broker: Broker) -> str:
    topic, payloads = topics.edge_images(new_name()), [b"%d" % number for number in range(BACKLOG)]
    with broker.client(expiry_seconds=AWAY_SECONDS) as reader:
        reader.require(topic)
    with broker.client() as sender:
        sender.publish_all(topic, payloads)
    with broker.client(reader.client_id, clean=False) as reader:
        reader.acknowledge_always()
        reader.require(topic)
        reader.settle(BACKLOG)
        if (arrived := len(reader.messages)) != BACKLOG:
            raise NotGrantedError(f"{BACKLOG} messages were acknowledged to wait, and {arrived} arrive")
    return f"{BACKLOG} messages wait, and all arrive"


def redelivery(broker: Broker) -> str:
    topic = topics.edge_images(new_name())
    with broker.client(expiry_seconds=AWAY_SECONDS) as reader, broker.client() as sender:
        reader.require(topic)
        sender.publish_all(topic, [b"first", b"second"])
        second = reader.take(2)[1]
        reader.acknowledge([second])
    with broker.client(reader.client_id, clean=False) as reader:
        again = reader.take(1)[0].payload
        if again != b"first" or not reader.is_quiet(lambda: len(reader.messages) > 1):
            raise NotGrantedError("what was acknowledged comes again")
        reader.acknowledge(reader.messages)
    return "what is not acknowledged comes again, and what is does not"


def window(broker: Broker) -> str:
    topic = topics.edge_images(new_name())
    with broker.client(window=WINDOW) as reader, broker.client() as sender:
        reader.require(topic)
        sender.publish_all(topic, [b"image"] * (2 * WINDOW))
        reader.take(WINDOW)
        if not reader.is_quiet(lambda: len(reader.messages) > WINDOW):
            raise NotGrantedError(f"more than {WINDOW} messages come unacknowledged, though no more were asked for")
        reader.acknowledge(reader.messages[:WINDOW])
        reader.acknowledge(reader.take(2 * WINDOW)[WINDOW:])
    return "no more images come at once than the uploader has memory for"


def takeover(broker: Broker) -> str:
    with contextlib.ExitStack() as clients:
        first = clients.enter_context(broker.client(expiry_seconds=AWAY_SECONDS))
        first.require(topics.edge_images(new_name()))
        second = clients.enter_context(broker.client(first.client_id, clean=False))
        first.wait(lambda: first.ended is not None, "the second client's connection by ending the first's")
        if not second.session_present:
            raise NotGrantedError("a client that comes back finds no session")
        told = "the other is told" if str(first.ended) == SESSION_TAKEN_OVER else "the other is cut off without a word"
    return f"a client that comes back takes its session over, and {told}"


def nobody(broker: Broker) -> str:
    with broker.client() as sender:
        answer = sender.publish(topics.edge_images(new_name()), b"image")
    if str(answer) != NO_MATCHING_SUBSCRIBERS:
        raise LessGrantedError(f"to an image that nobody reads it says {answer}: `check` cannot tell that one is lost")
    return "the sender of an image that nobody reads is told"


def shared(broker: Broker) -> str:
    topic = topics.edge_images(new_name())
    with broker.client() as one, broker.client() as two, broker.client() as sender:
        members = (one, two)
        if not one.granted.shared_subscriptions:
            raise LessGrantedError("it has none: run one uploader, UPLOADERS=1, and raise UPLOAD_THREADS")
        for member in members:
            member.acknowledge_always()
            member.require(f"$share/{topic.split('/')[1]}/{topic}")
        sender.publish_all(topic, [b"%d" % number for number in range(SHARED)])
        for member in members:
            member.settle(SHARED)
        arrived = [bytes(message.payload) for member in members for message in member.messages]
        if sorted(arrived) != sorted(b"%d" % number for number in range(SHARED)):
            raise NotGrantedError(f"it says it has them, and of {SHARED} images {len(arrived)} arrive")
        shares = [len(member.messages) for member in members]
    if not all(shares):
        raise LessGrantedError(f"one of two uploaders gets everything: {shares[0]} and {shares[1]} images")
    return f"two uploaders share the images: {shares[0]} and {shares[1]} of {SHARED}"


NEEDS: dict[str, Need] = {
    "connection": connection,
    "QoS 1": acknowledgements,
    "wildcards": wildcards,
    "properties": properties_kept,
    "image size": size,
    "session": session,
    "backlog": backlog,
    "redelivery": redelivery,
    "window": window,
    "takeover": takeover,
    "no reader": nobody,
    "shared": shared,
}
