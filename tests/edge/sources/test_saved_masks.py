"""Masks that were made on the live page: kept beside the captures, and used wherever MASKS is."""

import stat
from pathlib import Path

import numpy as np
import pytest

from camera.config.polygons import polygons_of
from camera.config.settings import Settings
from camera.sources.frame import Image
from camera.sources.privacy_mask import PrivacyMask, all_polygons, replace_masks, save_masks
from common.contract.capture import Box

SIZE = (320, 240)


def masked(settings: Settings) -> Image:
    frame = np.full((SIZE[1], SIZE[0], 3), 200, np.uint8)
    PrivacyMask(all_polygons(settings)).apply(frame)
    return frame


def test_a_mask_covers_a_face_and_a_little_more_and_stays_after_a_restart(tmp_path: Path) -> None:
    settings = Settings(spool_dir=tmp_path / "spool", camera_name="hall", masks="0,0:0.1,0:0.1,1:0,1")

    save_masks(settings, [Box(100, 100, 40, 50)], SIZE)
    save_masks(settings, [Box(290, 200, 40, 50)], SIZE)

    frame = masked(settings)
    assert not frame[98:152, 98:142].any()
    assert not frame[200:, 290:].any()
    assert not frame[:, :30].any()
    assert frame[60:80, 100:140].all()
    (file,) = (tmp_path / "spool").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_masks_of_another_camera_are_not_ours(tmp_path: Path) -> None:
    save_masks(Settings(spool_dir=tmp_path, camera_name="hall"), [Box(100, 100, 40, 50)], SIZE)

    assert masked(Settings(spool_dir=tmp_path, camera_name="door")).all()


def test_a_damaged_file_of_masks_costs_these_masks_alone(tmp_path: Path) -> None:
    (tmp_path / "masks-hall.txt").write_text("0,0:9,9")

    frame = masked(Settings(spool_dir=tmp_path, camera_name="hall", masks="0,0:0.5,0:0.5,1:0,1"))

    assert not frame[:, :150].any()
    assert frame[:, 200:].all()


def test_what_is_drawn_replaces_what_was_drawn_and_never_what_the_setting_hides(tmp_path: Path) -> None:
    settings = Settings(spool_dir=tmp_path, camera_name="hall", masks="0,0:0.1,0:0.1,1:0,1")
    save_masks(settings, [Box(100, 100, 40, 50)], SIZE)

    replace_masks(settings, polygons_of([[[0.5, 0.5], [1, 0.5], [1, 1.0], [0.5, 1]]]))

    assert masked(settings)[100:110, 100:140].all()
    assert not masked(settings)[125:, 165:].any()
    replace_masks(settings, ())
    assert not masked(settings)[:, :30].any()
    assert masked(settings)[:, 40:].all()


@pytest.mark.parametrize(
    "wrong",
    [3, {}, [3], [[]], [[[0, 0], [1, 0]]], [[[0, 0], [1, 0], [1, 2]]], [[[0, 0], [1, 0], [1, "inf"]]], [[0] * 101]],
)
def test_no_polygon_is_refused(wrong: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        polygons_of(wrong)
