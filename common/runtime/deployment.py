"""How the product is deployed here, and so what people type: ./usbcam, kubectl, or the programs themselves."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]  # the images hold the packages alone
PYTHON = ".venv/bin/python -m"
IN_EDGE, IN_CLOUD = "kubectl -n usbcam-edge", "kubectl -n usbcam-cloud"


class Deployment(Enum):
    """What runs the services of the product."""

    COMPOSE = "compose"
    KUBERNETES = "kubernetes"
    PROCESSES = "processes"


@dataclass(frozen=True, slots=True)
class _Service:
    process: str
    pod: str  # kubectl's words for where it runs

    @property
    def kubectl(self) -> str:
        return IN_EDGE if self.pod.startswith("deploy/edge") else IN_CLOUD


SERVICES = {
    "camera": _Service(f"{PYTHON} camera", "deploy/edge -c camera"),
    "edge-broker": _Service("sh mosquitto/edge/start.sh", "deploy/edge -c edge-broker"),
    "uploader": _Service(f"{PYTHON} uploader", "deploy/uploader"),
    "gallery": _Service(f"{PYTHON} gallery", "deploy/gallery"),
    "cloud-broker": _Service("sh mosquitto/cloud/start.sh", "deploy/cloud-broker"),
}
IN_CAMERA, IN_UPLOADER = f"{IN_EDGE} exec deploy/edge -c camera --", f"{IN_CLOUD} exec deploy/uploader --"
OF_ENROLMENT = {
    r"(renew|revoke) ([\w-]+)": r"deploy/kubernetes/enroll --\1 \2",
    r"enroll ([\w-]+)": r"deploy/kubernetes/enroll \1",
    "edges": "deploy/kubernetes/enroll --list",
}
OF_UPLOADER = {"(setup|check|status)": rf"{IN_UPLOADER} python -m uploader \1", **OF_ENROLMENT}
IN_PODS = {
    "camera": {"(doctor|snapshot|pause|resume|status)": rf"{IN_CAMERA} python -m camera \1"},
    "uploader": OF_UPLOADER,
    "gallery": OF_UPLOADER,
    "enroll": OF_UPLOADER,
}


def deployment(environment: Mapping[str, str] = os.environ) -> Deployment:
    if "KUBERNETES_SERVICE_HOST" in environment:
        return Deployment.KUBERNETES
    return Deployment.PROCESSES if (CHECKOUT / "usbcam").is_file() else Deployment.COMPOSE


def start(service: str) -> str:
    """The command that starts a service."""
    found = SERVICES[service]
    restart = f"{found.kubectl} rollout restart {found.pod.split()[0]}"
    return {Deployment.COMPOSE: "./usbcam up", Deployment.KUBERNETES: restart, Deployment.PROCESSES: found.process}[
        deployment()
    ]


def log_of(service: str) -> str:
    """Where the log of a service is: a command, or what a terminal shows."""
    found = SERVICES[service]
    if deployment() is Deployment.PROCESSES:
        return f"the output of {found.process}"
    return f"./usbcam logs {service}" if deployment() is Deployment.COMPOSE else f"{found.kubectl} logs {found.pod}"


def new_broker_certificate() -> str:
    """The command that makes the cloud broker's certificate anew."""
    return {
        Deployment.COMPOSE: "./usbcam down && ./usbcam up",
        Deployment.KUBERNETES: f"{IN_CLOUD} create job enroll-now --from=cronjob/enroll",
        Deployment.PROCESSES: f"{PYTHON} enroll --prepare",
    }[deployment()]


def authority_removal(setting: str) -> str:
    """What removes the authority and all that it knows; `setting` names its folder."""
    return {
        Deployment.COMPOSE: "./usbcam uninstall --all",
        Deployment.KUBERNETES: f"{IN_CLOUD} delete pvc certificate-authority",
        Deployment.PROCESSES: f"empty the folder of {setting}",
    }[deployment()]


def as_typed_here(text: str, program: str) -> str:
    """A text whose ./usbcam commands are those of this deployment; the commands of another host stay as they are."""
    if deployment() is not Deployment.KUBERNETES:
        return text
    for words, command in IN_PODS.get(program, {}).items():
        text = re.sub(rf"\./usbcam {words}\b", command, text)
    return text
