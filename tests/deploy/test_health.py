"""How a start of containers that failed is judged: broken, or only slow."""

import pytest

from dev.demo.health import is_only_slow

UNHEALTHY = "docker compose up failed: container usbcam-demo-uploader-1 is unhealthy"


@pytest.mark.parametrize("found", [[], ["Health check exceeded timeout (8s)"]])
def test_a_health_check_that_timed_out_may_pass_later(found: list[str]) -> None:
    assert is_only_slow(UNHEALTHY, found)


@pytest.mark.parametrize(
    ("error", "found"),
    [
        (UNHEALTHY, ["Health check exceeded timeout (8s)", "store: cannot write: 1 of 9 MB are free"]),
        ("docker compose up failed: no such image", []),
    ],
)
def test_anything_else_has_failed(error: str, found: list[str]) -> None:
    assert not is_only_slow(error, found)
