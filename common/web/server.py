"""Serves a page: its password, its port, and a server that rarely wakes up."""

import asyncio
import functools
import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from pydantic import SecretStr
from starlette.types import ASGIApp

from common.os_error import plain_reason
from common.runtime.settings import SettingsError, read_secret_file
from common.web.auth import is_loopback
from common.web.connections import BoundedProtocol, BusyMiddleware, Connections

TICK_SECONDS = 0.5


class WebServerError(Exception):
    """Why a page cannot be served, in one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """Where a page is served, and which password it requires."""

    prefix: str  # of the settings' names: LIVE for LIVE_PORT, LIVE_BIND, LIVE_PASSWORD and LIVE_PASSWORD_FILE
    bind: str  # the host's address that others reach
    port: int
    password: SecretStr
    password_file: Path | None
    trusted_proxy: str = ""  # addresses and networks whose X-Forwarded-For and -Proto are believed
    container: tuple[str, int] | None = None  # where to listen instead when Compose publishes `bind` and `port`

    @property
    def password_setting(self) -> str:
        return f"{self.prefix}_PASSWORD"

    @property
    def listen_address(self) -> tuple[str, int]:
        return self.container or (self.bind, self.port)


class LowWakeupServer(uvicorn.Server):
    """Wakes twice a second; uvicorn's ten times cost a tenth of what a camera costs when nothing moves."""

    def __init__(self, config: uvicorn.Config, connections: Connections) -> None:
        super().__init__(config)
        self._connections = connections

    async def main_loop(self) -> None:
        """Serve until told to end."""
        while not self.should_exit:
            self._connections.close_silent()
            await asyncio.sleep(TICK_SECONDS)


def create_server(
    app: ASGIApp, *, max_requests: int, stop_seconds: int, trusted_proxy: str = "", always_served: Sequence[str] = ()
) -> LowWakeupServer:
    """`max_requests` at once, later ones get 503; `stop_seconds` are left to those that run at the end."""
    connections = Connections(max_requests)
    config = uvicorn.Config(
        BusyMiddleware(app, max_requests, tuple(always_served)),
        http=functools.partial(BoundedProtocol, connections),  # type: ignore[arg-type]
        proxy_headers=bool(trusted_proxy),  # uvicorn would believe any program on this host
        forwarded_allow_ips=trusted_proxy,
        log_config=None,
        log_level="error",  # other people's broken requests are no news
        access_log=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=stop_seconds,
        server_header=False,
        date_header=False,  # the main loop would renew it, and ours does not
    )
    return LowWakeupServer(config, connections)


def valid_trusted_proxy(text: str) -> str:
    """Addresses and networks, with commas between them; raises ValueError."""
    try:
        networks = [ipaddress.ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip()]
    except ValueError as error:
        raise ValueError("must be the proxy's address or network, such as 172.18.0.1 or 172.16.0.0/12") from error
    return ",".join(str(network) for network in networks)


def load_password(settings: WebSettings) -> str | None:
    """The password that the page requires; None for none. Raises WebServerError."""
    name = settings.password_setting
    password = _read(settings.password_file, name) if settings.password_file else settings.password.get_secret_value()
    if not password and not is_loopback(settings.bind):
        bind = f"{settings.prefix}_BIND={settings.bind}"
        raise WebServerError(f"{bind} lets other hosts in, so set {name} in .env.")
    return password or None


def bind_socket(settings: WebSettings) -> socket.socket:
    """Take the port; raises WebServerError."""
    address, port = settings.listen_address
    try:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return socket.create_server((address.strip("[]"), port), family=family, backlog=100)
    except OSError as error:
        reason = plain_reason(error)
        remedy = f"set another {settings.prefix}_PORT or {settings.prefix}_BIND in .env"
        raise WebServerError(f"Cannot listen on {address}:{port} ({reason}); {remedy}.") from error


def _read(file: Path, name: str) -> str:
    try:
        return read_secret_file(file, f"{name}_FILE")
    except SettingsError as error:
        raise WebServerError(f"{error}.") from error
