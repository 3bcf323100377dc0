"""The camera's clients at the edge broker: their login, and IDs that nobody else can take over."""

import logging
import secrets

from paho.mqtt.client import Client

from camera.config.settings import Settings
from common.mqtt import new_client
from common.runtime.settings import SettingsError, read_secret_file

log = logging.getLogger(__name__)


def new_camera_client(settings: Settings, role: str) -> Client:
    """Create a client that reads the login anew for each connection: the broker makes the password at its start."""
    # Whoever connects under a client's ID ends it, also without a login; so it is nothing that can be guessed.
    client = new_client(f"{role}-{settings.camera_name}-{secrets.token_hex(8)}")
    client.on_pre_connect = lambda connecting, _data: _log_in(connecting, settings)
    return client


def _log_in(client: Client, settings: Settings) -> None:
    """Without a password the broker decides what anybody may do; the shipped one then takes captures and no status."""
    if settings.edge_broker_password_file is None:
        return
    try:
        password = read_secret_file(settings.edge_broker_password_file, "EDGE_BROKER_PASSWORD_FILE")
    except SettingsError as error:
        log.warning("No login at the edge broker, which makes it at its start: %s", error)
        return
    client.username_pw_set(settings.edge_broker_user, password)
