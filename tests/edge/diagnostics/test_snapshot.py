"""A snapshot shows what may be seen, and no more."""

import cv2
import numpy as np
import pytest

from camera.config.settings import Settings
from camera.diagnostics.snapshot import encode_masked, why_none
from camera.sources.reader.counters import FrameCounters
from camera.sources.reader.status import ReaderStatus


def test_what_masks_hide_is_black_in_the_snapshot_too() -> None:
    settings = Settings(masks="0,0:0.5,0:0.5,1:0,1")
    jpeg = encode_masked(settings, np.full((80, 120, 3), 200, np.uint8))
    seen = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)

    assert seen is not None
    assert seen[:, :50].max() < 20
    assert seen[:, 70:].min() > 180


@pytest.mark.parametrize(
    ("status", "counters", "said"),
    [
        (ReaderStatus().failed("It is unplugged."), FrameCounters(), "It is unplugged."),
        (ReaderStatus(), FrameCounters(grabbed=9, damaged=9), "All 9 frames that came were damaged: try another cable"),
        (ReaderStatus().ended(), FrameCounters(), "demo ended without an image: name another in CAMERA_SOURCE."),
        (
            ReaderStatus(),
            FrameCounters(),
            "No frame came within 40 s, and demo reports no error: is this machine busy?",
        ),
        (ReaderStatus(), FrameCounters(grabbed=1), "No frame was decoded within 40 s"),
    ],
)
def test_the_source_is_blamed_only_where_it_is_to_blame(
    status: ReaderStatus, counters: FrameCounters, said: str
) -> None:
    why = why_none(status, counters, "demo")

    assert why.startswith(said)
    assert ("CAMERA_SOURCE" in why) == status.has_ended
