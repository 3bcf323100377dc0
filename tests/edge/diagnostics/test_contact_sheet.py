"""The contact sheet's thumbnails; test_offline reads a whole sheet."""

import numpy as np

from camera.diagnostics.contact_sheet import surroundings
from common.contract.capture import Box


def test_what_surrounds_a_face_has_its_margin_and_stays_inside_the_frame() -> None:
    frame = np.zeros((100, 200, 3), np.uint8)

    assert surroundings(frame, Box(50, 30, 40, 20), 0.3).shape == (32, 64, 3)
    assert surroundings(frame, Box(0, 0, 40, 20), 0.3).shape == (26, 52, 3)
    assert surroundings(frame, Box(180, 90, 20, 10), 0.3).shape == (13, 26, 3)
