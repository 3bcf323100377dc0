"""The pods: what they may do, who reaches them, and that kustomize puts them together."""

import pytest

from tests.kubernetes.manifests import HALVES, OVERLAYS, Resource, overlay_resources, pods, resources
from tests.support.paths import ROOT

ALLOWED_VOLUMES = {"name", "emptyDir", "persistentVolumeClaim", "configMap"}
EVERY_POD = [(half, name) for half in HALVES for name, _ in pods(resources(half))]


def pod(half: str, name: str) -> Resource:
    return dict(pods(resources(half)))[name]


@pytest.mark.parametrize(("half", "name"), EVERY_POD)
def test_a_pod_may_do_no_more_than_it_must(half: str, name: str) -> None:
    spec = pod(half, name)

    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC", "serviceAccountName"} & set(spec)
    assert all(set(volume) <= ALLOWED_VOLUMES for volume in spec["volumes"])
    assert all("sizeLimit" in volume["emptyDir"] for volume in spec["volumes"] if "emptyDir" in volume)


@pytest.mark.parametrize(("half", "name"), EVERY_POD)
def test_a_container_may_do_no_more_than_it_must(half: str, name: str) -> None:
    spec = pod(half, name)

    for container in [*spec["containers"], *spec.get("initContainers", [])]:
        security = container["securityContext"]
        assert security["runAsUser"] == security["runAsGroup"] > 0
        assert (security["readOnlyRootFilesystem"], security["allowPrivilegeEscalation"]) == (True, False)
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert "privileged" not in security
        assert container["resources"]["limits"]["memory"]


@pytest.mark.parametrize("half", HALVES)
def test_namespaces_enforce_the_strictest_profile(half: str) -> None:
    (namespace,) = [found for found in resources(half) if found["kind"] == "Namespace"]

    assert namespace["metadata"]["labels"] == {"pod-security.kubernetes.io/enforce": "restricted"}


def test_only_edges_reach_a_port_from_outside() -> None:
    services = [found for half in HALVES for found in resources(half) if found["kind"] == "Service"]

    open_to_all = [found for found in services if found["spec"].get("type", "ClusterIP") != "ClusterIP"]

    assert [[port["port"] for port in found["spec"]["ports"]] for found in open_to_all] == [[8883]]


def test_the_brokers_inner_listener_lets_in_the_uploader_and_the_gallery_alone() -> None:
    policies = {found["metadata"]["name"]: found["spec"] for found in _of_kind("cloud", "NetworkPolicy")}

    inner = [rule for rule in policies["cloud-broker"]["ingress"] if rule["ports"] == [{"port": "mqtt"}]]

    assert [source["podSelector"]["matchLabels"]["app"] for source in inner[0]["from"]] == ["uploader", "gallery"]
    assert policies["nobody"] == {"podSelector": {}, "policyTypes": ["Ingress"]}


def test_the_authoritys_key_is_on_no_network_and_in_a_volume_of_its_own() -> None:
    policies = {found["metadata"]["name"]: found["spec"] for found in _of_kind("cloud", "NetworkPolicy")}
    holders = {name for name, spec in pods(resources("cloud")) if "certificate-authority" in str(spec["volumes"])}

    assert holders == {"Job enroll", "CronJob enroll"}
    assert policies["enroll"]["podSelector"] == {"matchLabels": {"app": "enroll"}}
    assert policies["enroll"]["policyTypes"] == ["Ingress", "Egress"]
    assert not {"ingress", "egress"} & set(policies["enroll"])


def test_the_uploader_ends_gracefully_and_a_drain_takes_one_at_a_time() -> None:
    (budget,) = _of_kind("cloud", "PodDisruptionBudget")

    assert budget["spec"] == {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "uploader"}}}
    assert pod("cloud", "Deployment uploader")["terminationGracePeriodSeconds"] == 30


@pytest.mark.parametrize("half", HALVES)
def test_what_a_pod_mounts_is_there(half: str) -> None:
    claims = {found["metadata"]["name"] for found in _of_kind(half, "PersistentVolumeClaim")}

    for _, spec in pods(resources(half)):
        entries = [*spec["containers"], *spec.get("initContainers", [])]
        mounted = {mount["name"] for entry in entries for mount in entry["volumeMounts"]}
        named = [volume["persistentVolumeClaim"] for volume in spec["volumes"] if "persistentVolumeClaim" in volume]
        assert mounted == {volume["name"] for volume in spec["volumes"]}
        assert {claim["claimName"] for claim in named} <= claims


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_has_the_settings_and_the_shipped_brokers_files(overlay: str) -> None:
    found = overlay_resources(overlay)
    maps = {
        entry["metadata"]["name"].rsplit("-", 1)[0]: entry["data"] for entry in found if entry["kind"] == "ConfigMap"
    }
    half = "cloud" if "cloud-broker-files" in maps else "edge"

    shipped = {path.name for path in (ROOT / "mosquitto" / half).iterdir()} | {"lib.sh"}
    assert set(maps) == {"settings", f"{half}-broker-files"}
    assert set(maps[f"{half}-broker-files"]) == shipped
    for name, text in maps[f"{half}-broker-files"].items():
        folder = ROOT / "mosquitto" if name == "lib.sh" else ROOT / "mosquitto" / half
        assert text == (folder / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("overlay", ["one-node", "cluster"])
def test_as_many_uploaders_run_as_the_setting_says(overlay: str) -> None:
    found = overlay_resources(overlay)
    replicas = {
        entry["metadata"]["name"]: entry["spec"]["replicas"] for entry in found if entry["kind"] == "Deployment"
    }

    assert replicas["uploader"] == int(_data_of_maps(found)["settings"]["UPLOADERS"])


def _data_of_maps(found: list[Resource]) -> dict[str, dict[str, str]]:
    """Return each ConfigMap's content by its name, without the digest that kustomize adds."""
    maps = [entry for entry in found if entry["kind"] == "ConfigMap"]
    return {entry["metadata"]["name"].rsplit("-", 1)[0]: entry["data"] for entry in maps}


def _of_kind(half: str, kind: str) -> list[Resource]:
    return [found for found in resources(half) if found["kind"] == kind]
