"""What the live page says of the way of a capture."""

from types import SimpleNamespace
from typing import cast

import pytest

from camera.delivery.delivery_status import Bridge, DeliveryStatus
from camera.delivery.history import DeliveryHistory
from camera.web.context import WebContext
from camera.web.pipeline_status import PipelineStatus

SPOOL = SimpleNamespace(problem=None, depth=3, bytes=1000, max_bytes=1_000_000, dropped=0)
CONTEXT = cast("WebContext", SimpleNamespace(workers=[], spool=SPOOL, history=DeliveryHistory()))


@pytest.mark.parametrize(
    ("delivery", "levels"),
    [
        (DeliveryStatus(), ["error", "unknown", "unknown"]),
        (DeliveryStatus(bridge=Bridge.UP), ["error", "unknown", "unknown"]),  # the broker was lost since
        (DeliveryStatus(connected=True), ["ok", "warning", "unknown"]),
        (DeliveryStatus(connected=True, bridge=Bridge.DOWN, token_missing=True), ["ok", "warning", "unknown"]),
        (DeliveryStatus(connected=True, bridge=Bridge.DOWN), ["ok", "error", "unknown"]),
        (DeliveryStatus(connected=True, bridge=Bridge.UP), ["ok", "ok", "unknown"]),
    ],
)
def test_each_stage_is_judged_by_how_far_captures_get(delivery: DeliveryStatus, levels: list[str]) -> None:
    stages = {each.stage: each.level for each in PipelineStatus(CONTEXT).read(delivery)}

    assert [stages[name] for name in ("Broker", "Bridge", "Cloud")] == levels
