"""Node-RED with its S3 node, as npm has them: one flow, from MQTT to the bucket."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from dev.harness.process import Process, free_port, start
from dev.scripts.environment import ROOT
from dev.scripts.programs import say

PACKAGES = ("node-red@4.1.15", "node-red-node-aws@0.1.8")
INSTALL_SECONDS = 600.0
FOLDER = ROOT / ".venv" / "node-red"
FLOW = [
    {"id": "t", "type": "tab", "label": "usbcam"},
    {
        "id": "b",
        "type": "mqtt-broker",
        "broker": "127.0.0.1",
        "clientid": "naive-callback",
        "protocolVersion": "4",
        "keepalive": "60",
        "cleansession": False,
        "autoConnect": True,
    },
    {
        "id": "i",
        "type": "mqtt in",
        "z": "t",
        "topic": "usbcam/+/images",
        "qos": "1",
        "datatype": "buffer",
        "broker": "b",
    },
    {
        "id": "f",
        "type": "function",
        "z": "t",
        "outputs": 1,
        "wires": [["o"]],
        "func": "msg.filename = 'faces/' + RED.util.generateId() + RED.util.generateId() + '.png'; return msg;",
    },
    {"id": "c", "type": "aws-config"},
    {"id": "o", "type": "amazon s3 out", "z": "t", "region": "us-east-1", "aws": "c"},
]
# Its S3 node knows no endpoint but AWS; the library below it does.
SETTINGS = """
require("aws-sdk").config.update({s3: {endpoint: process.env.S3_ENDPOINT_URL, s3ForcePathStyle: true}});
const uiPort = Number(process.env.PORT);
module.exports = {flowFile: "flow.json", credentialSecret: false, uiHost: "127.0.0.1", uiPort};
"""


def install() -> bool:
    """Fetch it once; False if that cannot be done here."""
    if shutil.which("npm") is None:
        return False
    if not (FOLDER / "node_modules" / "node-red").exists():
        say("Installing Node-RED with npm ...")
        command = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", str(FOLDER), *PACKAGES]
        FOLDER.mkdir(parents=True, exist_ok=True)
        try:
            return subprocess.run(command, check=False, timeout=INSTALL_SECONDS).returncode == 0
        except subprocess.TimeoutExpired:
            return False
    return True


def start_nodered(folder: Path, settings: Mapping[str, str]) -> Process:
    """Start it with the flow for this broker and bucket."""
    folder.mkdir(parents=True)
    (folder / "node_modules").symlink_to(FOLDER / "node_modules")
    keys = {"accesskeyid": settings["AWS_ACCESS_KEY_ID"], "secretaccesskey": settings["AWS_SECRET_ACCESS_KEY"]}
    flow = json.loads(json.dumps(FLOW))
    flow[1]["port"] = settings["CLOUD_BROKER_PORT"]
    flow[2]["wires"], flow[5]["bucket"] = [["f"]], settings["S3_BUCKET"]
    (folder / "flow.json").write_text(json.dumps(flow))
    (folder / "flow_cred.json").write_text(json.dumps({"c": keys}))
    (folder / "settings.js").write_text(SETTINGS)
    command = ["node", str(FOLDER / "node_modules/node-red/red.js"), "--userDir", str(folder)]
    environment = {"PORT": str(free_port()), "AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE": "1"}
    return start("node-red", command, folder, {**settings, **environment})
