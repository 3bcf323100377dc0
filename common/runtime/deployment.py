"""What people can type where a program runs: ./usbcam around Compose, kubectl around pods, else the programs."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]  # the images hold the packages alone
PYTHON = ".venv/bin/python -m"
IN_EDGE, IN_CLOUD = "kubectl -n usbcam-edge", "kubectl -n usbcam-cloud"


class Place(Enum):
    """How the parts of the product are run here."""

    COMPOSE = "compose"
    PODS = "pods"
    PROCESSES = "processes"


@dataclass(frozen=True, slots=True)
class _Part:
    process: str
    pod: str  # kubectl's words for it

    @property
    def kubectl(self) -> str:
        return IN_EDGE if self.pod.startswith("deploy/edge") else IN_CLOUD


PARTS = {
    "camera": _Part(f"{PYTHON} camera", "deploy/edge -c camera"),
    "edge-broker": _Part("sh mosquitto/edge/start.sh", "deploy/edge -c edge-broker"),
    "uploader": _Part(f"{PYTHON} uploader", "deploy/uploader"),
    "gallery": _Part(f"{PYTHON} gallery", "deploy/gallery"),
    "cloud-broker": _Part("sh mosquitto/cloud/start.sh", "deploy/cloud-broker"),
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


def place(environment: Mapping[str, str] = os.environ) -> Place:
    if "KUBERNETES_SERVICE_HOST" in environment:
        return Place.PODS
    return Place.PROCESSES if (CHECKOUT / "usbcam").is_file() else Place.COMPOSE


def start(part: str) -> str:
    """The command that starts a part."""
    found = PARTS[part]
    restart = f"{found.kubectl} rollout restart {found.pod.split()[0]}"
    return {Place.COMPOSE: "./usbcam up", Place.PODS: restart, Place.PROCESSES: found.process}[place()]


def log_of(part: str) -> str:
    """Where the log of a part is: a command, or what a terminal shows."""
    found = PARTS[part]
    if place() is Place.PROCESSES:
        return f"the output of {found.process}"
    return f"./usbcam logs {part}" if place() is Place.COMPOSE else f"{found.kubectl} logs {found.pod}"


def new_broker_certificate() -> str:
    """The command that makes the cloud broker's certificate anew."""
    return {
        Place.COMPOSE: "./usbcam down && ./usbcam up",
        Place.PODS: f"{IN_CLOUD} create job enroll-now --from=cronjob/enroll",
        Place.PROCESSES: f"{PYTHON} enroll --prepare",
    }[place()]


def authority_removal(setting: str) -> str:
    """What removes the authority and all that it knows; `setting` names its folder."""
    return {
        Place.COMPOSE: "./usbcam uninstall --all",
        Place.PODS: f"{IN_CLOUD} delete pvc certificate-authority",
        Place.PROCESSES: f"empty the folder of {setting}",
    }[place()]


def as_typed_here(text: str, program: str) -> str:
    """A text whose ./usbcam commands are those of this place; the commands of another host stay as they are."""
    if place() is not Place.PODS:
        return text
    for words, command in IN_PODS.get(program, {}).items():
        text = re.sub(rf"\./usbcam {words}\b", command, text)
    return text
