"""The product in containers: skipped where no engine answers, unless REQUIRE_DOCKER=1."""

import os
import uuid
from collections.abc import Iterator

import pytest

from local import compose


@pytest.fixture(scope="session", autouse=True)
def _engine() -> None:
    reason = compose.missing()
    if reason and os.environ.get("REQUIRE_DOCKER") == "1":
        pytest.fail(f"REQUIRE_DOCKER=1, but {reason}")
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def demo() -> Iterator[compose.Demo]:
    """Run the demo's Compose project under a name of its own."""
    running = compose.Demo(f"usbcam-test-{uuid.uuid4().hex[:8]}")
    try:
        running.prepare()
        running.start_camera("--wait")
        yield running
    finally:
        running.remove()
