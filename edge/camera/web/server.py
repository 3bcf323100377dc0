"""Serves the live page on its own thread. Captures matter more: whatever breaks here, the cameras go on."""

import logging
import socket
import threading

from camera.config.settings import CONTAINER_PORT, Settings
from camera.web.context import WebContext
from camera.web.routes import routes
from common.web.app import PageFiles, create_app
from common.web.auth import PasswordAuth
from common.web.server import (
    LowWakeupServer,
    WebServerError,
    WebSettings,
    bind_socket,
    create_server,
    load_password,
)

log = logging.getLogger(__name__)

FILES = PageFiles("camera.web", "live.html")
MAX_REQUESTS = 100  # at once; later ones are told to come again
STOP_SECONDS = 2.0


class LiveServer:
    """The live page, from `start` to `stop`."""

    def __init__(self, settings: Settings, context: WebContext) -> None:
        """Nothing listens before `start`."""
        self._settings, self._context = settings, context
        self._server: LowWakeupServer | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen, or log why not."""
        if self._settings.live_port == 0:
            return
        settings = _web_settings(self._settings)
        try:
            auth = PasswordAuth(load_password(settings), cookie="usbcam_session")
            listener = bind_socket(settings)
        except WebServerError as error:
            log.error("There is no live page: %s", error)  # noqa: TRY400 (a sentence, not a trace)
            return
        page = routes(self._context, password_required=auth.password_required)
        app = create_app(page, FILES, auth, setting=settings.password_setting)
        self._server = create_server(
            app, max_requests=MAX_REQUESTS, stop_seconds=1, trusted_proxy=settings.trusted_proxy
        )
        self._thread = threading.Thread(target=self._run, args=(self._server, listener), name="live", daemon=True)
        self._thread.start()
        log.info("Live page: http://%s:%d", _url_host(settings.bind), settings.port)

    def stop(self) -> None:
        """Close the page."""
        if self._server and self._thread:
            self._server.should_exit = True
            self._thread.join(STOP_SECONDS)

    @staticmethod
    def _run(server: LowWakeupServer, listener: socket.socket) -> None:
        try:
            server.run(sockets=[listener])
        except Exception:
            log.exception("The live page crashed; the cameras go on without it")
        finally:
            listener.close()


def _web_settings(settings: Settings) -> WebSettings:
    return WebSettings(
        prefix="LIVE",
        bind=settings.live_bind,
        port=settings.live_port,
        password=settings.live_password,
        password_file=settings.live_password_file,
        trusted_proxy=settings.live_trusted_proxy,
        container=(settings.live_listen, CONTAINER_PORT) if settings.live_listen else None,
    )


def _url_host(address: str) -> str:
    return f"[{address}]" if ":" in address else address
