"""Programs of others in the places that our own tests play: each test skips where its program cannot be had."""

from tests.integration.conftest import journey

__all__ = ["journey"]
