"""The shipped Compose files: hardened, closed to whoever is not enrolled, complete."""

import re
from typing import Any

import pytest

import camera.config.settings
import gallery.web.server
from camera.config.settings import Settings as CameraSettings
from dev.demo import containers as compose
from gallery.settings import Settings as GallerySettings
from tests.deploy.shipped import CLOUD, DEMO, EDGE, NEEDED, read_compose, run_compose_config
from tests.support.paths import ROOT
from uploader.settings import Settings as UploaderSettings

SERVICES = {
    EDGE: {"camera", "edge-broker"},
    CLOUD: {"enroll", "cloud-broker", "uploader", "gallery"},
    DEMO: {"camera", "edge-broker", "enroll", "cloud-broker", "uploader", "gallery", "store", "progress"},
}
EVERY_SERVICE = [(file, service) for file, services in SERVICES.items() for service in sorted(services)]
ENDS = {"enroll", "progress"}  # they do one thing and end
MOSQUITTO = "eclipse-mosquitto:2.1.2-alpine"


@pytest.mark.parametrize("file", SERVICES)
def test_a_file_has_its_services_and_its_project_name(file: str) -> None:
    content = read_compose(file)

    assert set(content["services"]) == SERVICES[file]
    assert content["name"] == f"usbcam-{file.split('.')[1]}"


@pytest.mark.parametrize(("file", "name"), EVERY_SERVICE)
def test_a_service_may_do_no_more_than_it_must(file: str, name: str) -> None:
    service = read_compose(file)["services"][name]

    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"])
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "devices", "cap_add", "pid", "ipc"} & set(service)
    assert service.get("network_mode", "none") == "none"


@pytest.mark.parametrize(("file", "name"), EVERY_SERVICE)
def test_a_service_is_bounded_and_comes_back(file: str, name: str) -> None:
    service = read_compose(file)["services"][name]

    assert service["logging"]["driver"] == "local"
    assert int(service["mem_limit"]) <= 1 << 30
    assert all("size=" in entry for entry in service["tmpfs"])
    assert service["restart"] == ("no" if name in ENDS else "unless-stopped")


@pytest.mark.parametrize(("file", "name"), EVERY_SERVICE)
def test_a_service_proves_that_it_works(file: str, name: str) -> None:
    service = read_compose(file)["services"][name]

    if name in ENDS:
        assert service["healthcheck"]["disable"] is True
    elif service["image"] == MOSQUITTO:
        asked = {"edge-broker": "usbcam-bridge/token", "cloud-broker": "/mosquitto/config/health.sh"}
        assert asked[name] in service["healthcheck"]["test"]
    else:
        assert "HEALTHCHECK" in _dockerfile(service)


@pytest.mark.parametrize(("file", "name"), EVERY_SERVICE)
def test_an_image_carries_a_full_version(file: str, name: str) -> None:
    service = read_compose(file)["services"][name]

    assert service["image"] == MOSQUITTO or re.fullmatch(r"usbcam-[a-z]+:\d+\.\d+\.\d+", service["image"])


@pytest.mark.parametrize(("half", "file", "name"), [("edge", EDGE, "camera"), ("cloud", CLOUD, "uploader")])
def test_an_image_has_the_version_of_its_package(half: str, file: str, name: str) -> None:
    package = (ROOT / half / "pyproject.toml").read_text(encoding="utf-8")

    version = read_compose(file)["services"][name]["image"].split(":")[1]

    assert f'version = "{version}"' in package


def test_only_edges_reach_a_port_from_outside_and_pages_are_for_this_host() -> None:
    services = read_compose(EDGE)["services"] | read_compose(CLOUD)["services"]

    published = {
        name: [(port["host_ip"], port["published"], port["target"]) for port in service["ports"]]
        for name, service in services.items()
        if "ports" in service
    }

    assert published == {
        "cloud-broker": [("0.0.0.0", "8883", 8883)],  # noqa: S104
        "camera": [("127.0.0.1", "8080", camera.config.settings.CONTAINER_PORT)],
        "gallery": [("127.0.0.1", "8081", gallery.health_check.CONTAINER_PORT)],
    }


def test_the_demo_is_closed_to_other_machines() -> None:
    settings = compose.read_settings()
    for service in read_compose(DEMO, CLOUD_BIND=settings["CLOUD_BIND"])["services"].values():
        assert all(port["host_ip"] == "127.0.0.1" for port in service.get("ports", []))


def test_the_camera_container_starts_without_a_camera_and_may_open_cameras_alone() -> None:
    camera = read_compose(EDGE, VIDEO_GID="27")["services"]["camera"]

    assert camera["device_cgroup_rules"] == ["c 81:* rmw"]
    assert camera["group_add"] == ["27"]
    assert _mount(camera, "/hostdev")["source"] == "/dev"
    assert _mount(camera, "/hostdev")["read_only"] is True
    assert camera["environment"]["DEVICE_DIR"] == "/hostdev"


def test_video_files_are_mounted_where_the_settings_say() -> None:
    without = read_compose(EDGE)["services"]["camera"]
    given = read_compose(EDGE, CAMERA_FILES="/srv/videos")["services"]["camera"]

    assert _mount(without, "/files")["type"] == "volume"
    assert (_mount(given, "/files")["source"], _mount(given, "/files")["read_only"]) == ("/srv/videos", True)


def test_dead_name_servers_freeze_the_edge_broker_for_a_second_only() -> None:
    broker = read_compose(EDGE)["services"]["edge-broker"]

    assert set(broker["dns_opt"]) == {"timeout:1", "attempts:1"}


@pytest.mark.parametrize("name", NEEDED)
def test_a_missing_setting_is_one_sentence(name: str) -> None:
    done = run_compose_config(CLOUD, **(NEEDED | {name: ""}))

    assert done.returncode != 0
    assert f"set {name} in .env" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("file", "name", "fields"),
    [
        # Both listen on 1883 inside; the heartbeat is where the image's health check looks.
        (EDGE, "camera", set(CameraSettings.model_fields) - {"edge_broker_port", "edge_broker_user", "heartbeat_file"}),
        # A profile is a file of the host, and the containers have none of those.
        (
            CLOUD,
            "uploader",
            set(UploaderSettings.model_fields)
            - {"cloud_broker_port", "cloud_broker_user", "heartbeat_file", "aws_profile", "certificates_file"}
            | {"aws_shared_credentials_file"},  # botocore's own
        ),
        (
            CLOUD,
            "gallery",
            set(GallerySettings.model_fields)
            - set(UploaderSettings.model_fields)
            - {"gallery_broker_user", "gallery_broker_password_file"}  # for brokers that let nobody in without a login
            | {"cloud_broker_host", "s3_bucket", "s3_endpoint_url", "s3_public_url", "s3_key_template", "aws_region"}
            | {"aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_shared_credentials_file"}
            | {"s3_retention_days", "log_level", "max_image_pixels"}
            | {"aws_request_checksum_calculation", "aws_response_checksum_validation"},
        ),
    ],
)
def test_a_service_gets_exactly_the_settings_it_reads(file: str, name: str, fields: set[str]) -> None:
    environment = read_compose(file)["services"][name]["environment"]

    assert set(environment) == {field.upper() for field in fields}


def test_the_authoritys_key_is_on_no_network_and_in_a_volume_of_its_own() -> None:
    services = read_compose(CLOUD)["services"]

    holders = {
        name
        for name, service in services.items()
        for mount in service.get("volumes", [])
        if mount["source"] == "certificate-authority"
    }

    assert holders == {"enroll"}
    assert services["enroll"]["network_mode"] == "none"
    assert _mount(services["cloud-broker"], "/mosquitto/identity")["read_only"] is True


@pytest.mark.parametrize(("file", "side"), [(EDGE, "edge"), (CLOUD, "cloud")])
def test_a_broker_gets_its_own_files_and_what_both_share(file: str, side: str) -> None:
    broker = read_compose(file)["services"][f"{side}-broker"]

    binds = [mount for mount in broker["volumes"] if mount["type"] == "bind"]

    assert {(mount["source"], mount["target"], mount["read_only"]) for mount in binds} == {
        (str(ROOT / "mosquitto" / side), "/mosquitto/config", True),
        (str(ROOT / "mosquitto" / "lib.sh"), "/mosquitto/lib.sh", True),
    }


def test_a_token_in_a_file_stays_out_of_the_environment() -> None:
    broker = read_compose(EDGE, EDGE_TOKEN_FILE="/srv/token")["services"]["edge-broker"]

    assert broker["environment"]["EDGE_TOKEN"] == ""
    assert broker["environment"]["EDGE_TOKEN_FILE"] == "/run/secrets/edge-token"
    assert read_compose(EDGE, EDGE_TOKEN_FILE="/srv/token")["secrets"]["edge-token"]["file"] == "/srv/token"


def test_aws_keys_in_a_file_stay_out_of_the_environment() -> None:
    cloud = read_compose(CLOUD, AWS_CREDENTIALS_FILE="/srv/keys", AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    environment = cloud["services"]["uploader"]["environment"]

    assert environment["AWS_SHARED_CREDENTIALS_FILE"] == "/run/secrets/aws-credentials"
    assert environment["AWS_SECRET_ACCESS_KEY"] == ""
    assert cloud["secrets"]["aws-credentials"]["file"] == "/srv/keys"


def test_the_demo_runs_the_shipped_services() -> None:
    demo = read_compose(DEMO)["services"]
    shipped = read_compose(EDGE)["services"] | read_compose(CLOUD)["services"]

    for name, service in shipped.items():
        for half in (demo[name], service):  # the demo only asks more often
            half.get("healthcheck", {}).pop("interval", None)
        same = set(service) - {"environment", "depends_on", "build"}
        assert {key: demo[name][key] for key in same} == {key: service[key] for key in same}


def _mount(service: dict[str, Any], target: str) -> dict[str, Any]:
    (found,) = [mount for mount in service["volumes"] if mount["target"] == target]
    return dict(found)


def _dockerfile(service: dict[str, Any]) -> str:
    build = service["build"]
    file = ROOT / str(build["context"]) / str(build.get("dockerfile", "Dockerfile"))
    return file.read_text(encoding="utf-8")
