"""Home Assistant itself, from PyPI, on the Python of another Debian; operated through its own API as a user does."""

import contextlib
import json
import secrets
import shutil
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dev.harness.process import LOOPBACK, Process, free_port, wait_for
from tests.reality.debian import Debian, debian

VERSION = "homeassistant>=2026.2,<2026.3"  # the last one for Python 3.13
PACKAGES = ("python3.13", "python3.13-venv", "python3.13-dev", "gcc", "g++", "libc6-dev")
CONFIGURATION = "frontend:\nhttp: {{server_host: {host}, server_port: {port}}}\nlogger: {{default: warning}}\n"
FIRST_START_SECONDS = 900.0  # it installs what its parts need


@dataclass(slots=True)
class HomeAssistant:
    """One that runs."""

    machine: Debian
    folder: Path
    port: int = field(default_factory=free_port)
    process: Process | None = None
    token: str | None = None

    @property
    def config(self) -> Path:
        return self.machine.root / "config" / str(self.port)

    def start(self) -> None:
        self.config.mkdir(parents=True, exist_ok=True)
        (self.config / "configuration.yaml").write_text(CONFIGURATION.format(host=LOOPBACK, port=self.port))
        command = ("/ha/bin/python", "-m", "homeassistant", "--config", f"/config/{self.port}")
        self.process = self.machine.start("home-assistant", self.folder, *command)
        wait_for(self._answers, seconds=FIRST_START_SECONDS, what="Home Assistant")
        assert self.process.alive(), self.process.tail()

    def stop(self) -> None:
        assert self.process is not None
        self.process.stop(seconds=60)

    def remove(self) -> None:
        if self.process is not None:
            self.process.kill()
        shutil.rmtree(self.config, ignore_errors=True)

    def onboard(self) -> None:
        """Make the first user, as the page does, and log in."""
        client, password = f"http://{LOOPBACK}:{self.port}", secrets.token_urlsafe()
        user = {"client_id": client, "name": "Test", "username": "test", "password": password, "language": "en"}
        code = self.ask("onboarding/users", user)["auth_code"]
        form = urllib.parse.urlencode({"grant_type": "authorization_code", "code": code, "client_id": client})
        with urllib.request.urlopen(f"{client}/auth/token", form.encode(), timeout=30) as answer:  # noqa: S310 (ours)
            self.token = json.load(answer)["access_token"]

    def add_mqtt(self, port: int, user: str, password: str) -> None:
        """Add the integration MQTT by its form."""
        flow = self.ask("config/config_entries/flow", {"handler": "mqtt"})
        given = {"broker": LOOPBACK, "port": port, "username": user, "password": password}
        done = self.ask(f"config/config_entries/flow/{flow['flow_id']}", given)
        assert done["type"] == "create_entry", done

    def states(self) -> dict[str, dict[str, Any]]:
        """Every entity of a camera."""
        return {each["entity_id"]: each for each in self.ask("states") if ".camera_" in each["entity_id"]}

    def state(self, entity: str) -> str:
        return str(self.states().get(entity, {"state": "missing"})["state"])

    def ask(self, path: str, body: object = None) -> Any:
        return json.loads(self.fetch(f"/api/{path}", body))

    def fetch(self, path: str, body: object = None) -> bytes:
        content = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(f"http://{LOOPBACK}:{self.port}{path}", content, headers)
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 (our own server)
            return bytes(answer.read())

    def complaints(self) -> list[str]:
        """What it logged about us or MQTT."""
        assert self.process is not None
        lines = self.process.log.read_text(errors="replace").splitlines()
        levels, subjects = (" WARNING ", " ERROR "), ("mqtt", "template", "usbcam", "camera_")
        return [
            line
            for line in lines
            if any(map(line.__contains__, levels)) and any(map(line.lower().__contains__, subjects))
        ]

    def _answers(self) -> bool:
        assert self.process is not None
        if not self.process.alive():
            return True
        with contextlib.suppress(OSError, urllib.error.HTTPError):
            self.fetch("/manifest.json")
            return True
        return False


def install(folder: Path) -> HomeAssistant:
    """Install it where it is not yet; about 900 MB."""
    machine = debian("trixie", "home-assistant", *PACKAGES)
    if not (machine.root / "ha" / "installed").exists():
        machine.run("python3.13", "-m", "venv", "/ha")
        machine.run("/ha/bin/pip", "install", "--quiet", VERSION)
        machine.run("touch", "/ha/installed")
    return HomeAssistant(machine, folder)
