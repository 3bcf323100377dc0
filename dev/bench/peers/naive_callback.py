"""MQTT to S3 as a first version does it: the callback stores, and the broker gets its PUBACK at once."""

import os
import uuid

import boto3
from botocore.config import Config
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

s3 = boto3.client("s3", endpoint_url=os.environ["S3_ENDPOINT_URL"], config=Config(s3={"addressing_style": "path"}))


def on_message(_client: Client, _userdata: object, message: MQTTMessage) -> None:
    key = f"faces/{uuid.uuid4()}.png"
    s3.put_object(Bucket=os.environ["S3_BUCKET"], Key=key, Body=bytes(message.payload), ContentType="image/png")


client = Client(CallbackAPIVersion.VERSION2, "naive-callback", clean_session=False)
client.on_connect = lambda client, *_: client.subscribe("usbcam/+/images", qos=1)
client.on_message = on_message
client.connect("127.0.0.1", int(os.environ["CLOUD_BROKER_PORT"]))
client.loop_forever()
