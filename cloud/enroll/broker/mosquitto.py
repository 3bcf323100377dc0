"""The access control lists of the cloud broker, as Mosquitto's dynamic-security plugin reads them.

The plugin and not acl_file, which does not check SUBSCRIBE: an edge could join the uploaders' shared
subscription and swallow images.
"""

import base64
import hashlib
import json
from collections.abc import Iterable
from typing import Any

from common.contract import topics
from enroll.broker.rights import GALLERY, UPLOADER, Password, Passwords, Rights

ADMIN = "Enroll"  # no edge can have such a name
INTERNAL = "internal"
ITERATIONS = 1000  # the password has 256 bits, guessing is hopeless anyway
KINDS = ("publishClientSend", "publishClientReceive", "subscribe", "unsubscribe")
CONTROL = "$CONTROL/dynamic-security/v1"

Rule = tuple[str, str]

# Whoever is on the Compose network and has no login: the gallery by default, the health check, monitoring. They read.
INTERNAL_RULES: tuple[Rule, ...] = (
    ("publishClientReceive", topics.EVERYTHING),
    ("publishClientReceive", "$SYS/#"),
    ("subscribePattern", topics.EVERYTHING),
    ("subscribePattern", "$SYS/#"),
    ("unsubscribePattern", "#"),
)
# The uploader alone writes receipts, and takes from the shared subscription, which hands each image to one member.
UPLOADER_RULES: tuple[Rule, ...] = (
    ("publishClientSend", topics.EVERY_EDGES_RECEIPTS),
    ("publishClientSend", topics.EVERY_OFFENDER),
    ("publishClientReceive", topics.EVERY_EDGES_IMAGES),
    ("publishClientReceive", topics.EVERY_EDGES_RECEIPTS),
    ("subscribePattern", topics.EVERY_EDGES_IMAGES),
    ("subscribePattern", topics.EVERY_EDGES_RECEIPTS),
    ("subscribeLiteral", topics.SHARED_IMAGES),
    ("unsubscribePattern", "#"),
)
# What edges and uploaders say, and no image; it writes nothing.
GALLERY_RULES: tuple[Rule, ...] = (
    *(("publishClientReceive", topic) for topic in topics.GALLERY_READS),
    *(("subscribePattern", topic) for topic in topics.GALLERY_READS),
    ("unsubscribePattern", "#"),
)
ADMIN_RULES: tuple[Rule, ...] = (("publishClientSend", CONTROL),)


def edge_rules(name: str) -> tuple[Rule, ...]:
    """Write what the product uses, below its own name; read its receipts and nothing else."""
    return (
        *(("publishClientSend", topic) for topic in topics.edge_writes(name)),
        ("publishClientReceive", topics.edge_receipts(name)),
        ("subscribeLiteral", topics.edge_receipts(name)),
        ("unsubscribePattern", "#"),
    )


class Mosquitto:
    """Its dynamic-security plugin."""

    def files(self, rights: Rights) -> dict[str, bytes]:
        passwords = rights.passwords
        return {
            "clients.json": full_config(rights.names, passwords).encode(),
            "changes.json": incremental_commands(rights.names, rights.revoked_names, rights.renewed).encode(),
            # mosquitto_pub reads its options from this file, so that no password is on a command line.
            "mosquitto_pub": f"-u {ADMIN}\n-P {passwords.admin.text}\n".encode(),
        }


def full_config(names: Iterable[str], passwords: Passwords) -> str:
    """Return the whole configuration, which the plugin reads when the broker starts."""
    enrolled = sorted(names)
    ours = (_login(ADMIN, passwords.admin), _login(UPLOADER, passwords.uploader), _login(GALLERY, passwords.gallery))
    rules = {INTERNAL: INTERNAL_RULES, UPLOADER: UPLOADER_RULES, GALLERY: GALLERY_RULES, ADMIN: ADMIN_RULES}
    roles = tuple(_role(name, of_role) for name, of_role in rules.items())
    content = {
        "defaultACLAccess": dict.fromkeys(KINDS, False),
        "clients": [*ours, *(_client(name) for name in enrolled)],
        "groups": [{"groupname": INTERNAL, "roles": [{"rolename": INTERNAL}]}],
        "roles": [*roles, *(_edge_role(name) for name in enrolled)],
        "anonymousGroup": INTERNAL,
    }
    return json.dumps(content, indent=1)


def incremental_commands(names: Iterable[str], revoked_names: Iterable[str], renewed: str = "") -> str:
    """Return commands for a running broker, which may be repeated. `renewed` is disconnected once."""
    commands: list[dict[str, Any]] = []
    for name in sorted(revoked_names):
        commands += [_command("deleteClient", username=name), _command("deleteRole", rolename=_role_name(name))]
    for name in sorted(names):
        commands += [{"command": "createRole", **_edge_role(name)}, {"command": "createClient", **_client(name)}]
    if renewed:
        commands += [_command("disableClient", username=renewed), _command("enableClient", username=renewed)]
    return json.dumps({"commands": commands})


def _command(command: str, **arguments: str) -> dict[str, Any]:
    return {"command": command, **arguments}


def _login(user: str, password: Password) -> dict[str, Any]:
    return {"username": user, **_hashed(password), "roles": [{"rolename": user}]}


def _role_name(edge: str) -> str:
    return f"edge-{edge}"


def _client(name: str) -> dict[str, Any]:
    return {"username": name, "roles": [{"rolename": _role_name(name)}]}


def _edge_role(name: str) -> dict[str, Any]:
    return _role(_role_name(name), edge_rules(name))


def _role(name: str, rules: Iterable[Rule]) -> dict[str, Any]:
    return {"rolename": name, "acls": [_rule(kind, topic) for kind, topic in rules]}


def _rule(kind: str, topic: str) -> dict[str, Any]:
    return {"acltype": kind, "topic": topic, "priority": 0, "allow": True}


def _hashed(password: Password) -> dict[str, Any]:
    """Return it in the plugin's format."""
    salt = base64.b64decode(password.salt)
    hashed = hashlib.pbkdf2_hmac("sha512", password.text.encode(), salt, ITERATIONS)
    return {"password": base64.b64encode(hashed).decode(), "salt": password.salt, "iterations": ITERATIONS}
