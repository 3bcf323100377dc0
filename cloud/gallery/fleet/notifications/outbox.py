"""Messages that wait for their services: kept over restarts, tried again for a while, and sent once."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from gallery.fleet.notifications.message import Message

log = logging.getLogger(__name__)

MAX_MESSAGES = 200
FIRST_RETRY, LAST_RETRY = timedelta(seconds=15), timedelta(minutes=10)

Send = Callable[[str, Message], bool]


class Outbox:
    """For one thread. `save` is called before a service is asked, so that a crash never tells it twice."""

    def __init__(self, send: Send, save: Callable[[], None]) -> None:
        self._send, self._save = send, save
        self.messages: list[Message] = []
        self._retry: dict[str, tuple[datetime, timedelta]] = {}  # by service: not before, and then after how long

    def put(self, message: Message) -> None:
        if message.services:
            self.messages.append(message)
        if len(self.messages) > MAX_MESSAGES:
            log.warning("Services of NOTIFY_URLS are away for long: the oldest message is given up")
            del self.messages[0]

    def send_due(self, now: datetime) -> None:
        """Ask each service that has something to take, but those that refused a short while ago."""
        for message in list(self.messages):
            for service in message.services:
                if now < self._retry.get(service, (now, FIRST_RETRY))[0]:
                    continue
                self._try(message, service, now)
        self.messages = [message for message in self.messages if message.services and not message.is_stale(now)]

    def load(self, contents: Iterable[Mapping[str, Any]], known: Iterable[str]) -> None:
        """Take over what an earlier run left, but for what it was just sending.

        Raises ValueError, KeyError or TypeError.
        """
        messages = [Message.of_json(content) for content in contents]
        services = set(known)
        for message in messages:
            asked = message.services[:1] if message.sending else ()
            left = tuple(name for name in message.services if name in services and name not in asked)
            self.put(replace(message, services=left, sending=False))

    def to_json(self) -> list[dict[str, object]]:
        return [message.to_json() for message in self.messages]

    def _try(self, message: Message, service: str, now: datetime) -> None:
        index = next(index for index, each in enumerate(self.messages) if each.created_at == message.created_at)
        current = self.messages[index]
        others = tuple(name for name in current.services if name != service)
        self.messages[index] = replace(current, services=(service, *others), sending=True)
        self._save()
        if self._send(service, message):
            self._retry.pop(service, None)
            self.messages[index] = current.without(service)
        else:
            wait = min(self._retry.get(service, (now, FIRST_RETRY / 2))[1] * 2, LAST_RETRY)
            self._retry[service] = now + wait, wait
            self.messages[index] = replace(current, sending=False)
            log.warning("A service of NOTIFY_URLS did not take a message; trying again in %d s", wait.seconds)
        self._save()
