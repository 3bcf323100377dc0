"""What the uploader publishes: receipts, answers to whoever asks for its status, and who is to be held off."""

import logging
from collections import deque
from collections.abc import Callable
from time import monotonic

from paho.mqtt.client import MQTT_ERR_SUCCESS, Client, MQTTMessage, MQTTMessageInfo
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from common.contract import topics
from common.contract.uploader_status import UploaderStatus
from common.runtime.log import RepeatFilter, filtered_logger
from uploader.mqtt.session import BrokerAddress, receipt_refused

MAX_QUEUED_RECEIPTS = 1000  # for one that does not fit, its edge sends the capture again
MAX_TRACKED_RECEIPTS = 200  # messages, each with many receipts; more are not in flight together
NAMING_SECONDS = 1.0  # once is enough
MAX_NAMED = 1000
log = logging.getLogger(__name__)


class Outbox:
    """Writes to one client. Without a connection some receipts wait; for one that does not, the camera sends again."""

    def __init__(self, client: Client, client_id: str, broker: BrokerAddress) -> None:
        self._client, self._client_id, self._broker = client, client_id, broker
        self._reported_problem: Callable[[], str | None] = lambda: "it is starting"
        self._log = filtered_logger(log, RepeatFilter())
        self._receipts: deque[MQTTMessageInfo] = deque(maxlen=MAX_TRACKED_RECEIPTS)
        self._named_at: dict[str, float] = {}
        client.on_publish = self._on_publish
        client.max_queued_messages_set(MAX_QUEUED_RECEIPTS)

    def report_by(self, problem: Callable[[], str | None]) -> None:
        """Answer with what `problem` returns at that moment; it must not block."""
        self._reported_problem = problem

    def publish(self, topic: str, payload: bytes) -> None:
        published = self._client.publish(topic, payload, qos=1)
        if published.rc == MQTT_ERR_SUCCESS:
            self._receipts.append(published)

    def flush(self, seconds: float, is_up: Callable[[], bool]) -> None:
        """Wait until everything is sent: paho holds back what exceeds the broker's receive maximum."""
        deadline = monotonic() + seconds
        for receipt in self._receipts:
            if is_up():
                receipt.wait_for_publish(max(0.0, deadline - monotonic()))

    def name_offender(self, edge: str) -> None:
        """Have the broker hold an edge off."""
        if topics.is_edge_name(edge) and monotonic() - self._named_at.get(edge, float("-inf")) > NAMING_SECONDS:
            if len(self._named_at) >= MAX_NAMED:
                self._named_at.clear()
            self._named_at[edge] = monotonic()
            self._client.publish(topics.offender(edge))

    def publish_status(self) -> None:
        """Tell everybody how this uploader is."""
        status = UploaderStatus(self._client_id, self._reported_problem())
        self._client.publish(topics.UPLOADER_STATUSES, status.to_json())

    def answer(self, request: MQTTMessage) -> None:
        """Report the status to the topic that the request names."""
        if request.qos:
            self._client.ack(request.mid, request.qos)
        topic = getattr(request.properties, "ResponseTopic", "")
        if topics.is_uploader_status_response(topic):
            status = UploaderStatus(self._client_id, self._reported_problem())
            self._client.publish(topic, status.to_json())

    def _on_publish(
        self, _client: Client, _userdata: object, _mid: int, reason: ReasonCode, _properties: Properties
    ) -> None:
        if reason.is_failure:
            self._log.error("The broker at %s: %s", self._broker, receipt_refused(reason))
