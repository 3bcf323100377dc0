"""MQTT to S3 by way of a folder: each message becomes a file, and rclone moves what is there, again and again.

`FOLDER PARALLEL`. The broker has its PUBACK when the file is written. rclone neither sets conditions nor knows IDs.
"""

import itertools
import os
import subprocess
import sys
import threading
from pathlib import Path

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

FOLDER, PARALLEL = Path(sys.argv[1]), sys.argv[2]
REMOTE = ":s3,provider=Other,env_auth=true,force_path_style=true,no_check_bucket=true,region=us-east-1"
FLAGS = (
    "--transfers",
    PARALLEL,
    "--checkers",
    PARALLEL,
    "--s3-no-head",
    "--exclude",
    "*.part",
    "--config",
    "/dev/null",
)
numbers = itertools.count()
arrived = threading.Event()


def on_message(_client: Client, _userdata: object, message: MQTTMessage) -> None:
    part = FOLDER / f"{next(numbers):08}.part"
    part.write_bytes(message.payload)
    part.rename(part.with_suffix(".png"))
    arrived.set()


FOLDER.mkdir(parents=True)
client = Client(CallbackAPIVersion.VERSION2, "naive-callback", clean_session=False)
client.on_connect = lambda client, *_: client.subscribe("usbcam/+/images", qos=1)
client.on_message = on_message
client.connect("127.0.0.1", int(os.environ["CLOUD_BROKER_PORT"]))
client.loop_start()
remote = f'{REMOTE},endpoint="{os.environ["S3_ENDPOINT_URL"]}":{os.environ["S3_BUCKET"]}/faces'
while True:
    arrived.wait()
    arrived.clear()
    subprocess.run(["rclone", "move", str(FOLDER), remote, *FLAGS], check=True)
