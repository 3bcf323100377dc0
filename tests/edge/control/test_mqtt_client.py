"""What a camera was told holds, whoever is away."""

from pathlib import Path

from camera.config.schedule import ScheduleController
from camera.config.settings import Settings
from camera.control.mqtt_client import CameraMqttClient
from dev.harness.process import free_port


def restarted(folder: Path) -> tuple[CameraMqttClient, ScheduleController]:
    clock = ScheduleController("", "UTC")
    settings = Settings(camera_name="door", spool_dir=folder, edge_broker_port=free_port())
    return CameraMqttClient(settings, clock), clock


def test_a_pause_holds_over_a_restart_without_the_broker(tmp_path: Path) -> None:
    presence, _ = restarted(tmp_path)
    presence.command("pause")

    presence, clock = restarted(tmp_path)
    assert not clock.is_active()
    presence.command("")

    _, clock = restarted(tmp_path)
    assert clock.is_active()
