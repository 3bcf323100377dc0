"""What is a face beyond doubt: what the mesh sees as one, or what the detector was very sure of, several times."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from camera.pipeline.face.judge import is_face
from camera.pipeline.face.landmarks import FaceLandmarks
from camera.pipeline.tracking.track import Track
from common.contract.capture import Box

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DOUBTFUL = Track("1", Box(0, 0, 80, 100), NOON, NOON, first_seen=0, last_seen=1, best_score=0.86, hits=9, sure_hits=3)
FACE = FaceLandmarks(presence=0.5, yaw=-48, pitch=0, roll=0, misfit=0.16)


def test_a_face_is_one_for_the_mesh() -> None:
    assert is_face(FACE, DOUBTFUL)


@pytest.mark.parametrize(
    "seen", [None, *(replace(FACE, **to) for to in ({"presence": 0.4}, {"yaw": -49}, {"misfit": 0.2}))]
)
def test_what_the_mesh_does_not_see_so_is_none_for_a_doubtful_detector(seen: FaceLandmarks | None) -> None:
    assert not is_face(seen, DOUBTFUL)


@pytest.mark.parametrize(("score", "hits", "sure"), [(0.87, 4, True), (0.86, 4, False), (0.87, 3, False)])
def test_a_detector_is_sure_by_its_score_and_by_how_often(score: float, hits: int, *, sure: bool) -> None:
    assert is_face(None, replace(DOUBTFUL, best_score=score, sure_hits=hits)) is sure
