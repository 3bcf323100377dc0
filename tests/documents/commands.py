"""The commands of the documents, and who runs each of them: a test that is named, or nobody, for a reason."""

import re
from collections.abc import Iterator

from tests.deploy.shipped import documents
from tests.support.paths import ROOT

SHELL = re.compile(r"^ *```sh\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"(^|\s)#.*$")
INLINE = re.compile(r"`(\./usbcam [a-z][^`]*)`")
SETTING = re.compile(r"[A-Z][A-Z0-9_]*=")
# What a command begins with, the file that runs it, and the words in that file that do.
RUN_BY: tuple[tuple[str, str, str], ...] = (
    ("./demo", "tests/integration/path/test_demo_command.py", "./demo"),
    ("make", "tests/documents/test_commands.py", "Makefile"),
    (
        "docker compose -f docker-compose.cloud.yml up",
        "tests/e2e/test_two_files.py",
        '"up", "--build", "--detach", "--wait"',
    ),
    (
        "docker compose -f docker-compose.edge.yml up",
        "tests/e2e/test_two_files.py",
        '"up", "--build", "--detach", "--wait"',
    ),
    (
        "docker compose -f docker-compose.cloud.yml run --rm enroll",
        "tests/e2e/test_two_files.py",
        '"enroll", *arguments',
    ),
    ("docker compose -f docker-compose.cloud.yml run --rm --no-deps uploader setup", "tests/cloud/uploader", '"setup"'),
    (
        "docker compose -f docker-compose.edge.yml exec edge-broker mosquitto_pub",
        "tests/integration",
        "usbcam/command/",
    ),
    (
        "docker compose -f docker-compose.cloud.yml exec cloud-broker mosquitto_sub",
        "tests/e2e/test_demo.py",
        '"mosquitto_sub"',
    ),
    ("docker build -t usbcam-camera", "tests/e2e/test_two_files.py", '"up", "--build"'),
    ("docker build -t usbcam-cloud", "tests/e2e/test_two_files.py", '"up", "--build"'),
    ("python -m dev.conformance", "tests/integration/broker/test_conformance.py", "try_broker"),
    ("CLOUD_HOST=cloud.example.org AUTHORITY_DIR=", "tests/cloud/enroll/conftest.py", '"IDENTITY_DIR"'),
    ("make simulate", "tests/simulator/test_simulator.py", "def test_"),
    ("REALITY=1 ./test tests/reality", "tests/reality", "REALITY"),
    ("PLANTED=1 ./test tests/simulator", "tests/simulator/test_simulator.py", "PLANTED"),
    ("cp .env.example .env", "tests/e2e/test_two_files.py", ".env.example"),
    ("EDGE_BROKER_PASSWORD_FILE=... .venv/bin/python -m camera", "dev/harness/services.py", '"camera"'),
    ("CLOUD_BROKER_PASSWORD_FILE=... .venv/bin/python -m uploader", "dev/harness/services.py", '"uploader"'),
    (".venv/bin/python -m gallery", "dev/harness/services.py", '"gallery"'),
    ("source cli/completion.bash", "tests/cli/test_usbcam.py", "source cli/completion.bash"),
    ("sh mosquitto/edge/start.sh", "dev/harness/services.py", "start.sh"),
    ("sh mosquitto/cloud/start.sh", "dev/harness/services.py", "start.sh"),
    (".venv/bin/python -m camera", "tests/edge/diagnostics/test_offline.py", '"captures"'),
    ("MIN_FACE_PX=80 .venv/bin/python -m camera captures", "tests/edge/diagnostics/test_offline.py", '"captures"'),
)
NOT_RUN: dict[str, str] = {
    'echo "source ': "it changes the reader's shell",
    "./test": "a test cannot run the tests",
    "dev/bench/run": "it measures for many minutes; REALITY=1 ./test tests/bench runs it with QUICK=1",
    "kubectl ": "it needs a cluster; tests/kubernetes checks the manifests",
    "deploy/kubernetes/enroll": "it needs a cluster; tests/kubernetes checks the manifests",
    "docker save": "it needs k3s",
    "aws ": "it changes an EC2 instance, and there is none here",
    "ssh ": "it needs another host",
    "caddy ": "it needs a public name; tests/cloud/stores tries a proxy in front of a store",
    "docker run --detach --name prometheus": "its image cannot be had everywhere; promtool checks its files",
    "AWS_ACCESS_KEY_ID=... AWS_SECRET_ACCESS_KEY=... ./usbcam setup": "it needs keys of AWS with more rights",
    "pipx install": "it changes the reader's machine",
}


def shell_commands() -> Iterator[tuple[str, str]]:
    """Yield each document's name and each command of its blocks."""
    for file in documents():
        for block in SHELL.findall(file.read_text(encoding="utf-8")):
            for line in block.replace("\\\n", " ").splitlines():
                if command := " ".join(COMMENT.sub("", line).split()):
                    yield str(file.relative_to(ROOT)), command


def usbcam_commands() -> set[str]:
    """Return what documents call `./usbcam` with, in blocks and in sentences."""
    in_sentences = {command for file in documents() for command in INLINE.findall(file.read_text(encoding="utf-8"))}
    return {command for _, command in shell_commands() if command.startswith("./usbcam")} | in_sentences
