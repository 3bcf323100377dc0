"""When a shot is poor, and which reason people read."""

from dataclasses import replace

import pytest

from camera.pipeline.face.quality import Quality
from camera.pipeline.face.thresholds import QualityThresholds

THRESHOLDS = QualityThresholds(min_brightness=0.1, min_sharpness=0.3, max_turn=50)
GOOD = Quality(size=1, sharpness=0.3, exposure=0.2, completeness=0.01, pose=1, eyes=0.3, turn=50, brightness=0.1)


def test_a_shot_that_just_reaches_each_threshold_is_good() -> None:
    assert THRESHOLDS.poor_reason(replace(GOOD, tilt=60)) is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"brightness": 0.09}, "dark"),
        ({"exposure": 0.19}, "dark"),
        ({"completeness": 0.0}, "cut"),
        ({"sharpness": 0.29}, "blurred"),
        ({"turn": 51.0}, "turned"),
        ({"tilt": 61.0}, "turned"),
        ({"tilt": -61.0}, "turned"),
        ({"eyes": 0.29}, "eyes shut"),
        ({"eyes": 0.29, "turn": 51.0, "sharpness": 0.29, "completeness": 0.0, "brightness": 0.09}, "dark"),
    ],
)
def test_a_shot_below_one_is_poor_for_the_worst_reason(change: dict[str, float], reason: str) -> None:
    assert THRESHOLDS.poor_reason(replace(GOOD, **change)) == reason  # type: ignore[arg-type]
