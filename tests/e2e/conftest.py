"""The product in containers: skipped where no engine answers, unless REQUIRE_DOCKER=1."""

import os
from collections.abc import Iterator

import pytest

from dev.demo import containers as compose
from tests.support.demo import running_demo


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
    with running_demo() as demo:
        yield demo
