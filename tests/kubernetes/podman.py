"""The same manifests by `podman kube play`: no cluster, but real pods of the real images.

What podman 4.3 does not read is changed here, and nothing else: a Deployment or Job becomes the Pod that it makes,
under its own name, by which podman's network knows it; an emptyDir is a folder of the test's; ports are not published.
Services, policies, budgets, namespaces, readiness probes, affinities and fsGroup do nothing there.
"""

import base64
import copy
import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.kubernetes.manifests import Resource, overlay_resources


@dataclass(slots=True)
class Podman:
    """A network of pods and their volumes; the pods' names are the manifests', so that only one can be there."""

    name: str
    folder: Path
    pods: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)

    def create(self) -> None:
        run("podman", "network", "create", self.name)

    def play(self, resource: Resource, maps: list[Resource], *, name: str = "", args: list[str] | None = None) -> str:
        """Start one Deployment or Job and return its pod's name; `args` take the place of its command's arguments."""
        pod = self._pod(resource, name or resource["metadata"]["name"])
        if args:
            pod["spec"]["containers"][0]["args"] = args
        self.pods.append(pod["metadata"]["name"])
        file = self.folder / f"{self.pods[-1]}.yaml"
        file.write_text("\n---\n".join(json.dumps(entry) for entry in (*maps, pod)), encoding="utf-8")
        run("podman", "kube", "play", "--network", self.name, str(file))
        return self.pods[-1]

    def keep_secret(self, name: str, **values: str) -> None:
        """Make the Secret that a user makes by hand; podman 4.3 reads a JSON of it, and no document of kind Secret."""
        data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
        file = self.folder / f"{name}.json"
        file.write_text(json.dumps(data), encoding="utf-8")
        run("podman", "secret", "create", name, str(file))
        self.secrets.append(name)

    def close(self) -> None:
        """Remove what was started."""
        for pod in self.pods:
            run("podman", "pod", "rm", "--force", "--ignore", "--time", "3", pod)
        volumes = run("podman", "volume", "ls", "--quiet", "--filter", f"name={self.name}").split()
        if volumes:
            run("podman", "volume", "rm", "--force", *volumes)
        if self.secrets:
            run("podman", "secret", "rm", *self.secrets)
        run("podman", "network", "rm", "--force", self.name)

    def _pod(self, resource: Resource, name: str) -> Resource:
        template = copy.deepcopy(resource["spec"]["template"])
        spec = template["spec"]
        spec["volumes"] = [self._volume(volume, name) for volume in spec["volumes"]]
        for container in spec["containers"]:
            container.pop("ports", None)  # podman would publish them on this machine
        # By default podman removes an init container that has ended, and on a busy machine too early.
        kept = {"io.podman.annotations.init.container.type": "always"}
        metadata = {"name": name, "labels": template["metadata"]["labels"], "annotations": kept}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}

    def _volume(self, volume: Resource, pod: str) -> Resource:
        if "emptyDir" in volume:
            folder = self.folder / f"{pod}-{volume['name']}"
            folder.mkdir()
            folder.chmod(0o777)  # as Kubernetes makes it
            return {"name": volume["name"], "hostPath": {"path": str(folder), "type": "Directory"}}
        if "persistentVolumeClaim" in volume:
            claim = volume["persistentVolumeClaim"]["claimName"]
            return {"name": volume["name"], "persistentVolumeClaim": {"claimName": f"{self.name}-{claim}"}}
        return volume


@dataclass(frozen=True, slots=True)
class Overlay:
    """An overlay with the names of this test in place of its own."""

    resources: list[Resource]

    @classmethod
    def read(cls, name: str, **settings: str) -> "Overlay":
        resources = copy.deepcopy(overlay_resources(name))
        for resource in resources:
            if resource["metadata"]["name"].startswith("settings-"):
                resource["data"] |= settings
        return cls(resources)

    def find(self, kind: str, name: str) -> Resource:
        (found,) = [entry for entry in self.resources if (entry["kind"], entry["metadata"]["name"]) == (kind, name)]
        return found

    def maps(self) -> list[Resource]:
        """Return its ConfigMaps."""
        return [entry for entry in self.resources if entry["kind"] == "ConfigMap"]


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout.strip()
