"""A snapshot shows what may be seen, and no more."""

import cv2
import numpy as np

from camera.config.settings import Settings
from camera.diagnostics.snapshot import encode_masked


def test_what_masks_hide_is_black_in_the_snapshot_too() -> None:
    settings = Settings(masks="0,0:0.5,0:0.5,1:0,1")
    jpeg = encode_masked(settings, np.full((80, 120, 3), 200, np.uint8))
    seen = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)

    assert seen is not None
    assert seen[:, :50].max() < 20
    assert seen[:, 70:].min() > 180
