"""From the edge's broker to the cloud's, as a first version does it: `LOCAL_PORT CLOUD_PORT CA CERTIFICATE KEY`."""

import sys

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

LOCAL_PORT, CLOUD_PORT = int(sys.argv[1]), int(sys.argv[2])

cloud = Client(CallbackAPIVersion.VERSION2, "porch")
cloud.tls_set(sys.argv[3], sys.argv[4], sys.argv[5])
cloud.connect("127.0.0.1", CLOUD_PORT)
cloud.loop_start()


def on_message(_client: Client, _userdata: object, message: MQTTMessage) -> None:
    cloud.publish("usbcam/porch/images", message.payload, qos=1)


local = Client(CallbackAPIVersion.VERSION2, "relay", clean_session=False)
local.on_connect = lambda client, *_: client.subscribe("usbcam/images", qos=1)
local.on_message = on_message
local.connect("127.0.0.1", LOCAL_PORT)
local.loop_forever()
