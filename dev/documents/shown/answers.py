"""What is rare is put into the answers of a page's server, so that the page shows it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.sync_api import Page as Tab
from playwright.sync_api import Route

from common.contract.times import timestamp

Reach = Callable[[Tab, str], None]  # brings the page at an address into a state
Patch = Callable[[Any], None]  # changes an answer's JSON
HOUR = timedelta(hours=1)


def answered(tab: Tab, path: str, patch: Patch) -> None:
    """Let the server's answers differ."""

    def handle(route: Route) -> None:
        answer = route.fetch()
        content = answer.json()
        patch(content)
        route.fulfill(response=answer, body=json.dumps(content))

    tab.route(path, handle)


def ago(time: timedelta) -> str:
    return timestamp(datetime.now(UTC) - time)
