"""The rights at RabbitMQ, as definitions that it imports.

There a topic's levels are separated by dots, a subscription is a queue named after its client id, and a right is a
regular expression. Without a right to its queue nobody can take what waits for another.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterable

from common.contract import topics
from enroll.broker.rights import GALLERY, UPLOADER, Password, Passwords, Rights
from enroll.x509 import AUTHORITY_NAME

EXCHANGE = "amq.topic"
VHOST = "/"
SALT_BYTES = 4  # as RabbitMQ has it
GALLERY_CLIENT = "gallery-[0-9a-f]+"
CHECK_CLIENT = "check-[0-9a-f]+"  # `uploader check` connects alongside the uploader, with its login
LEVEL = r"[^.]+"
DER_SET, DER_SEQUENCE, DER_UTF8 = 0x31, 0x30, 0x0C
DER_COMMON_NAME = bytes.fromhex("0603550403")


class RabbitMQ:
    """Its users, their rights to queues and topics; and the revocation list, named as it is looked for."""

    def files(self, rights: Rights) -> dict[str, bytes]:
        ended = (*rights.revoked_names, *filter(None, [rights.renewed]))
        return {
            "rabbitmq.json": _definitions(sorted(rights.names), rights.passwords).encode(),
            "rabbitmq-ended": "".join(f"{name}\n" for name in ended).encode(),  # whose connections end
            f"{_name_hash(AUTHORITY_NAME)}.r0": rights.revocation_list,
        }


def _definitions(names: list[str], passwords: Passwords) -> str:
    ours = {UPLOADER: passwords.uploader, GALLERY: passwords.gallery}
    users = [{"name": name, "password_hash": _hash(password), **_USER} for name, password in ours.items()]
    users += [{"name": name, "password_hash": "", **_USER} for name in names]  # they come by their certificates
    queues = {UPLOADER: f"(uploader|{CHECK_CLIENT})", GALLERY: GALLERY_CLIENT}
    queues |= {name: re.escape(name) for name in names}
    content = {
        "users": users,
        "permissions": [_queues(user, clients) for user, clients in queues.items()],
        "topic_permissions": [_uploader_topics(), _gallery_topics(), *map(_edge_topics, names)],
    }
    return json.dumps(content, indent=1)


_USER = {"hashing_algorithm": "rabbit_password_hashing_sha256", "tags": []}


def _queues(user: str, clients: str) -> dict[str, str]:
    """Let a user have the queues of these client ids, and use the one exchange; the gallery only reads there."""
    queues = f"mqtt-subscription-{clients}qos[01]"
    exchange = re.escape(EXCHANGE)
    writes = queues if user == GALLERY else f"{queues}|{exchange}"
    return {
        "user": user,
        "vhost": VHOST,
        "configure": rf"^{queues}\z",
        "write": rf"^({writes})\z",
        "read": rf"^({queues}|{exchange})\z",
    }


def _edge_topics(name: str) -> dict[str, str]:
    """Let it write its commands too, which reach nobody: its bridge forwards them, and a refusal would end that."""
    writes = (*topics.edge_writes(name), topics.edge_commands(name))
    return _topics(name, writes=writes, reads=[topics.edge_receipts(name)])


def _uploader_topics() -> dict[str, str]:
    reads = [topics.EVERY_EDGES_IMAGES, topics.EVERY_EDGES_RECEIPTS]
    return _topics(UPLOADER, writes=[topics.EVERY_EDGES_RECEIPTS, topics.EVERY_OFFENDER], reads=reads)


def _gallery_topics() -> dict[str, str]:
    """Let it hear what is said, and no image; it writes nothing."""
    return _topics(GALLERY, writes=[], reads=topics.GALLERY_READS)


def _topics(user: str, *, writes: Iterable[str], reads: Iterable[str]) -> dict[str, str]:
    """What is read is compared as the subscription is written: its wildcard is a star."""
    return {
        "user": user,
        "vhost": VHOST,
        "exchange": EXCHANGE,
        "write": _any_of(topic.replace("/", r"\.").replace("+", LEVEL) for topic in writes),
        "read": _any_of(topic.replace("/", r"\.").replace("+", rf"(\*|{LEVEL})") for topic in reads),
    }


def _any_of(patterns: Iterable[str]) -> str:
    return rf"^({'|'.join(patterns)})\z"  # not $, which allows a line break


def _hash(password: Password) -> str:
    salt = base64.b64decode(password.salt)[:SALT_BYTES]
    return base64.b64encode(salt + hashlib.sha256(salt + password.text.encode()).digest()).decode()


def _name_hash(common_name: str) -> str:
    """Return the hash by which OpenSSL, and so Erlang, finds the revocation list of an authority of this name."""
    value = bytes([DER_UTF8, len(common_name)]) + common_name.encode()  # canonical: lower case, as ours is
    pair = DER_COMMON_NAME + value
    sequence = bytes([DER_SEQUENCE, len(pair)]) + pair
    digest = hashlib.sha1(bytes([DER_SET, len(sequence)]) + sequence, usedforsecurity=False).digest()
    return digest[3::-1].hex()
