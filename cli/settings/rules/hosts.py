"""Names, addresses and ports: CLOUD_HOST and its like."""

from __future__ import annotations

import ipaddress
import re
import shutil
import socket
from typing import Callable, Optional

from cli.settings.dotenv.env_file import EnvFile

LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)")
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/{1,3}")
HOST_PORT = re.compile(r"(.+):(\d+)")
EDGE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
PROJECT = re.compile(r"[a-z0-9][a-z0-9_-]*")
RESERVED = {"images", "visits", "status", "receipts", "command", "rejected"}
LOOPBACK = re.compile(r"localhost|127\..*|0\.0\.0\.0|::1", re.IGNORECASE)
S3 = re.compile(r"(^|\.)s3[.-][a-z0-9.-]*amazonaws\.com", re.IGNORECASE)
ANY_ADDRESS = {"localhost": "127.0.0.1", "*": "0.0.0.0", "all": "0.0.0.0", "any": "0.0.0.0"}  # noqa: S104 (advice)
MAX_PORT = 65535
Rule = Callable[[str, EnvFile], Optional[str]]


def in_containers() -> bool:
    """Whether the parts run in containers here, where localhost is the container itself."""
    return shutil.which("docker") is not None


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True


def is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address.strip("[]")).is_loopback


def is_name(host: str) -> bool:
    labels = host.split(".")
    return len(host) < 254 and all(map(LABEL.fullmatch, labels)) and not labels[-1].isdecimal()  # noqa: PLR2004


def host_problem(host: str, port_setting: str) -> str | None:
    """What is wrong with a host."""
    scheme = SCHEME.match(host)
    if scheme:
        return f"has {scheme[0]} before it; write the name or address alone"
    if "@" in host:
        return "has an @; write the name or address alone, without a user"
    if "/" in host:
        return f"has a / behind it; write {host.split('/', maxsplit=1)[0]} alone"
    port = HOST_PORT.fullmatch(host)
    if port and ":" not in port[1]:
        if port_setting:
            return f"has a port; write {port[1]} here and {port_setting}={port[2]}"
        return f"has a port; write {port[1]} here"
    if "," in host or " " in host:
        return "has more than one name; write one, and the others into CLOUD_EXTRA_NAMES"
    if "_" in host:
        return "has a _, which no DNS name has; write the name or the address"
    if host.endswith(".") and is_name(host[:-1]):
        return f"has a point at its end; write {host[:-1]}"
    if re.fullmatch(r"[\d.]+", host) and not is_address(host):
        return "is a wrong address; write four numbers from 0 to 255, such as 10.0.0.7, or a DNS name"
    if not is_address(host) and not is_name(host):
        return "must be a DNS name or an IP address, such as cam.example.com or 10.0.0.7"
    return None


def cloud_host(value: str, env: EnvFile) -> str | None:
    found = host_problem(value, "CLOUD_PORT")
    if found:
        return found
    if S3.search(value):
        return "is S3 itself; write the name or address of the host where the cloud broker runs"
    loopback = LOOPBACK.fullmatch(value) is not None and in_containers()
    if env.get("ROLE") == "edge" and (loopback or value.lower() == socket.gethostname().lower()):
        return "is this host, the edge; write the cloud host's name or address, or leave it empty"
    if ":" in value:
        return "is an IPv6 address, which Mosquitto's bridges do not take; write a DNS name for it"
    if loopback:
        return (
            "is not reached by edges; write this host's public name or address,"
            " or host.docker.internal if both halves are on one machine"
        )
    return None


def extra_names(value: str, _env: EnvFile) -> str | None:
    for name in filter(None, map(str.strip, value.split(","))):
        if re.search(r"[\s;|]", name):
            return "has names without a comma between them; write NAME,NAME"
        found = None if is_address(name) else host_problem(name, "")
        if found:
            return f"has {name}, which {found}"
    return None


def bind(value: str, port_setting: str) -> str | None:
    if value in ANY_ADDRESS:
        return f"must be an IP address; write {ANY_ADDRESS[value]}"
    port = HOST_PORT.fullmatch(value)
    if port and is_address(port[1]) and not is_address(value):
        return f"has a port; write {port[1]} here and {port_setting}={port[2]}"
    if SCHEME.match(value):
        return "has a scheme; write an address of this host alone, such as 127.0.0.1 or 0.0.0.0"
    if not is_address(value):
        return "must be an IP address of this host, such as 127.0.0.1, or 0.0.0.0 for the whole network"
    if "%" in value:
        return "has a zone behind its %, which Docker does not take; write an address without one"
    if ":" in value and not value.startswith("[") and in_containers():
        return f"is an IPv6 address, which Compose wants in brackets; write [{value}]"
    return None


def page_bind(prefix: str) -> Rule:
    def check(value: str, env: EnvFile) -> str | None:
        found = bind(value, f"{prefix}_PORT")
        if found:
            return found
        if is_loopback(value) or env.get(f"{prefix}_PASSWORD") or env.get(f"{prefix}_PASSWORD_FILE"):
            return None
        return f"lets other hosts in; set {prefix}_PASSWORD, too"

    return check


def port_problem(name: str, value: str) -> str | None:
    """What is wrong with a port, if that is more than its size."""
    parts = value.split(":")
    if len(parts) > 1:
        prefix = name[: -len("_PORT")]
        host = parts[-3] if len(parts) > 2 else (parts[0] if not parts[0].isdecimal() else "")  # noqa: PLR2004
        port = parts[-2] if parts[-2].isdecimal() else parts[-1]
        if host:
            return f"is written as in a Compose file; write {name}={port}, and the address in {prefix}_BIND={host}"
        return f"is written as in a Compose file; write {name}={port}"
    found = re.fullmatch(r"(\d+)(/(tcp|udp)|-\d+)", value, re.IGNORECASE)
    if found:
        return f"is written as in a Compose file; write {name}={found[1]}"
    return None


def trusted_proxy(value: str, _env: EnvFile) -> str | None:
    if all(map(_is_network, filter(None, map(str.strip, value.split(","))))):
        return None
    return "must be the proxy's address or network, such as 172.18.0.1 or 172.16.0.0/12"


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def edge_name(value: str, _env: EnvFile) -> str | None:
    if value != value.lower():
        return f"must be in small letters; write {re.sub('[^a-z0-9]+', '-', value.lower()).strip('-')}"
    if value in RESERVED:
        return "is a name that usbcam uses itself; take another, such as porch"
    if not EDGE_NAME.fullmatch(value):
        return "must be 1 to 63 of a-z, 0-9 and -, such as porch"
    return None


def homeassistant_broker(value: str, _env: EnvFile) -> str | None:
    port = HOST_PORT.fullmatch(value)
    host = port[1] if port else value
    if SCHEME.match(value):
        bare = re.split("[:/]", SCHEME.sub("", value, count=1))[0]
        return f"has a scheme; write {bare} alone" if is_name(bare) else "has a scheme; write HOST or HOST:PORT"
    if ":" in host or (port and not 0 < int(port[2]) <= MAX_PORT) or host_problem(host, ""):
        return "must be HOST or HOST:PORT, such as homeassistant.local:1883"
    return None


def homeassistant_password(_value: str, env: EnvFile) -> str | None:
    return None if env.get("HOMEASSISTANT_USER") else "is set, but not HOMEASSISTANT_USER; set both or neither"


def project(value: str, _env: EnvFile) -> str | None:
    return None if PROJECT.fullmatch(value) else "must be of a-z, 0-9, - and _, such as usbcam"


def page(value: str, _env: EnvFile) -> str | None:
    if re.fullmatch(r"https?://([^\s/?#@:\[\]]+|\[[0-9a-fA-F:]+\])(:\d{1,5})?([/?#]\S*)?", value):
        return None
    if re.fullmatch(r"[\w.-]+(:\d{1,5})?(/[\w./-]*)?", value):
        return f"has no scheme; write https://{value} or http://{value}"
    return "must be a page's address, such as https://gallery.example.com"


RULES: dict[str, Rule] = {
    "GALLERY_URL": page,
    "COMPOSE_PROJECT_NAME": project,
    "CLOUD_HOST": cloud_host,
    "CLOUD_EXTRA_NAMES": extra_names,
    "CLOUD_BIND": lambda value, _env: bind(value, "CLOUD_PORT"),
    "LIVE_BIND": page_bind("LIVE"),
    "GALLERY_BIND": page_bind("GALLERY"),
    "LIVE_TRUSTED_PROXY": trusted_proxy,
    "GALLERY_TRUSTED_PROXY": trusted_proxy,
    "EDGE_NAME": edge_name,
    "HOMEASSISTANT_BROKER": homeassistant_broker,
    "HOMEASSISTANT_PASSWORD": homeassistant_password,
    "EDGE_BROKER_HOST": lambda value, _env: host_problem(value, "EDGE_BROKER_PORT"),
    "CLOUD_BROKER_HOST": lambda value, _env: host_problem(value, "CLOUD_BROKER_PORT"),
}
