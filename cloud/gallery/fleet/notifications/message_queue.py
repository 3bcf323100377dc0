"""Messages that wait for their services: kept over restarts, retried for a while, and sent once."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from gallery.fleet.notifications.message import Message

log = logging.getLogger(__name__)

MAX_MESSAGES = 200
INITIAL_RETRY, MAX_RETRY = timedelta(seconds=15), timedelta(minutes=10)

Send = Callable[[str, Message], bool]


class MessageQueue:
    """For one thread."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.messages: list[Message] = []
        self._retry: dict[str, tuple[datetime, timedelta]] = {}  # by service: not before, and then after how long

    def put(self, message: Message) -> None:
        if message.services:
            self.messages.append(message)
        if len(self.messages) > MAX_MESSAGES:
            log.warning("Services of NOTIFY_URLS have been unavailable for long: dropped the oldest message")
            del self.messages[0]

    def send_due(self, now: datetime) -> Iterator[None]:
        """Send to each service what it has not got, but not to those that refused a short while ago.

        Each step is to be saved before the next: so a crash never sends a message twice.
        """
        for message in list(self.messages):
            for service in message.services:
                if now < self._retry.get(service, (now, INITIAL_RETRY))[0]:
                    continue
                yield from self._try(message, service, now)
        self.messages = [message for message in self.messages if message.services and not message.is_stale(now)]

    def load(self, contents: Iterable[Mapping[str, Any]], services: Iterable[str]) -> None:
        """Restore what an earlier run left, except what it was sending.

        Raises ValueError, KeyError or TypeError.
        """
        messages = [Message.of_json(content) for content in contents]
        names = set(services)
        for message in messages:
            asked = message.services[:1] if message.sending else ()
            left = tuple(name for name in message.services if name in names and name not in asked)
            self.put(replace(message, services=left, sending=False))

    def to_json(self) -> list[dict[str, object]]:
        return [message.to_json() for message in self.messages]

    def _try(self, message: Message, service: str, now: datetime) -> Iterator[None]:
        index = next(index for index, each in enumerate(self.messages) if each.created_at == message.created_at)
        current = self.messages[index]
        others = tuple(name for name in current.services if name != service)
        self.messages[index] = replace(current, services=(service, *others), sending=True)
        yield
        if self._send(service, message):
            self._retry.pop(service, None)
            self.messages[index] = current.without(service)
        else:
            wait = min(self._retry.get(service, (now, INITIAL_RETRY / 2))[1] * 2, MAX_RETRY)
            self._retry[service] = now + wait, wait
            self.messages[index] = replace(current, sending=False)
            log.warning("A service of NOTIFY_URLS did not accept a message; trying again in %d s", wait.seconds)
        yield
