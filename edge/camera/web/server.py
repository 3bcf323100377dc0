"""Serves the page on a thread of its own. Captures matter more: whatever breaks here, the cameras go on."""

import asyncio
import logging
import os
import socket
import threading
from pathlib import Path

import uvicorn

from camera.config.settings import Settings
from camera.web.context import Parts
from camera.web.routes import App
from common.web.auth import PasswordAuth, is_loopback

log = logging.getLogger(__name__)

CONTAINER_PORT = 8080  # LIVE_PORT is the host's; Compose leads from it to this
MOST_REQUESTS = 100  # at once; whoever comes then is told to come again
STOP_SECONDS = 2.0
TICK_SECONDS = 0.5


class LiveError(Exception):
    """Why there is no page, as a sentence."""


class Quiet(uvicorn.Server):
    """uvicorn wakes ten times a second, which is a tenth of what a camera costs before which nothing moves."""

    async def main_loop(self) -> None:
        """Serve until told to end."""
        while not self.should_exit:  # noqa: ASYNC110 (another thread sets it)
            await asyncio.sleep(TICK_SECONDS)


class Server:
    """The page, from `start` to `stop`."""

    def __init__(self, settings: Settings, parts: Parts) -> None:
        """Nothing listens before `start`."""
        self._settings, self._parts = settings, parts
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen, or say why not."""
        if self._settings.live_port == 0:
            return
        try:
            auth = PasswordAuth(password(self._settings), cookie="usbcam_session")
            listener = listen(self._settings)
        except LiveError as error:
            log.error("There is no live page: %s", error)  # noqa: TRY400 (a sentence, not a trace)
            return
        logging.getLogger("uvicorn").setLevel(logging.ERROR)  # strangers' broken requests are no news
        config = uvicorn.Config(
            App(self._parts, auth).starlette(),
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            limit_concurrency=MOST_REQUESTS,
            timeout_graceful_shutdown=1,
            server_header=False,
            date_header=False,  # renewed by the loop that we do without
        )
        self._server = Quiet(config)
        self._thread = threading.Thread(target=self._run, args=(self._server, listener), name="live", daemon=True)
        self._thread.start()
        log.info("Live page: http://%s:%d", _shown(self._settings.live_bind), self._settings.live_port)

    def stop(self) -> None:
        """Close the door."""
        if self._server and self._thread:
            self._server.should_exit = True
            self._thread.join(STOP_SECONDS)

    @staticmethod
    def _run(server: uvicorn.Server, listener: socket.socket) -> None:
        try:
            server.run(sockets=[listener])
        except Exception:
            log.exception("The live page broke; the cameras go on without it")
        finally:
            listener.close()


def password(settings: Settings) -> str | None:
    """The password that whoever looks must know; None asks for none. Raises LiveError."""
    file = settings.live_password_file
    given = _read(file) if file else settings.live_password.get_secret_value()
    if not given and not is_loopback(settings.live_bind):
        raise LiveError(f"LIVE_BIND={settings.live_bind} lets others look, so set LIVE_PASSWORD in .env.")
    return given or None


def listen(settings: Settings) -> socket.socket:
    """Take the port; raises LiveError."""
    address, port = settings.live_bind, settings.live_port
    if settings.live_listen:
        address, port = settings.live_listen, CONTAINER_PORT
    try:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return socket.create_server((address, port), family=family, backlog=100)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)  # a name is no address
        raise LiveError(f"{address}:{port} cannot be taken ({reason}); set another LIVE_PORT or LIVE_BIND.") from error


def _read(file: Path) -> str:
    try:
        given = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise LiveError(f"LIVE_PASSWORD_FILE={file} cannot be read ({reason}); mend it or remove it.") from error
    if not given:
        raise LiveError(f"LIVE_PASSWORD_FILE={file} is empty; write the password into it.")
    return given


def _shown(address: str) -> str:
    return f"[{address}]" if ":" in address else address
