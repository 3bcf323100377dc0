"""Nothing that reached the spool is lost."""

import errno
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest

from camera.delivery.spool import Spool
from camera.delivery.spool_folder import SpoolError
from common.contract.capture import Capture

Make = Callable[[int], Capture]
ROOM = 1_000_000


def test_a_capture_survives_a_restart(tmp_path: Path, make_capture: Make) -> None:
    capture = make_capture(1)
    spool = Spool(tmp_path, ROOM)
    spool.put(capture)
    spool.close()

    again = Spool(tmp_path, ROOM)

    assert again.ids() == [capture.id]
    assert again.read(capture.id) == capture


def test_what_waits_is_listed_oldest_first(tmp_path: Path, make_capture: Make) -> None:
    spool = Spool(tmp_path, ROOM)
    captures = [make_capture(number) for number in range(5)]
    for capture in reversed(captures):
        spool.put(capture)

    assert spool.ids() == [capture.id for capture in captures]


def test_a_removed_capture_is_gone_and_an_unknown_id_is_ignored(tmp_path: Path, make_capture: Make) -> None:
    spool = Spool(tmp_path, ROOM)
    spool.put(make_capture(1))
    outside = tmp_path.parent / "precious.png"
    outside.write_bytes(b"mine")

    assert spool.remove(make_capture(1).id)
    assert not spool.remove(make_capture(1).id)
    assert not spool.remove("../precious")
    assert outside.exists()
    assert spool.depth == 0
    assert not list(tmp_path.glob("*.png"))


def test_a_full_spool_drops_the_oldest_and_logs_it(
    tmp_path: Path, make_capture: Make, caplog: pytest.LogCaptureFixture
) -> None:
    captures = [make_capture(number) for number in range(4)]
    spool = Spool(tmp_path, sum(len(capture.image) for capture in captures[:3]))
    for capture in captures:
        spool.put(capture)

    assert spool.dropped == 1
    assert captures[0].id not in spool.ids()
    assert captures[3].id in spool.ids()
    assert f"Dropped {captures[0].id}: the spool is full (SPOOL_MAX_MB)" in caplog.text


def test_an_unfinished_file_is_quarantined_at_start(tmp_path: Path, make_capture: Make) -> None:
    capture = make_capture(1)
    (tmp_path / f"{capture.id}.png.part").write_bytes(capture.image[:50])

    spool = Spool(tmp_path, ROOM)

    assert spool.ids() == []
    assert (tmp_path / "damaged" / f"{capture.id}.png.part").exists()


@pytest.mark.parametrize("damage", [lambda image: image[:60], lambda image: image[:-5] + b"wrong", lambda _: b""])
def test_a_damaged_file_is_quarantined_when_it_is_read(
    tmp_path: Path, make_capture: Make, damage: Callable[[bytes], bytes]
) -> None:
    capture, good = make_capture(1), make_capture(2)
    spool = Spool(tmp_path, ROOM)
    spool.put(capture)
    spool.put(good)
    path = tmp_path / f"{capture.id}.png"
    path.write_bytes(damage(capture.image))

    assert spool.read(capture.id) is None
    assert spool.ids() == [good.id]
    assert (tmp_path / "damaged" / path.name).exists()


def test_a_spool_belongs_to_one_camera(tmp_path: Path) -> None:
    mine = Spool(tmp_path, ROOM)

    with pytest.raises(SpoolError, match=r"SPOOL_DIR=.* is in use by another camera"):
        Spool(tmp_path, ROOM)
    assert mine.depth == 0


def test_a_folder_that_cannot_be_used_yet_is_a_problem_until_it_can(tmp_path: Path, make_capture: Make) -> None:
    """A file in the way stands for a disk that is read-only or not mounted: root may write anywhere else."""
    earlier = Spool(tmp_path / "aside", ROOM)
    earlier.put(make_capture(1))
    earlier.close()
    (tmp_path / "spool").write_text("in the way")

    spool = Spool(tmp_path / "spool", ROOM)
    problem = spool.problem
    with pytest.raises(SpoolError, match=r"SPOOL_DIR=.* cannot take captures"):
        spool.put(make_capture(2))
    (tmp_path / "spool").unlink()
    (tmp_path / "aside").rename(tmp_path / "spool")
    spool.check_writable()

    assert "SPOOL_DIR" in str(problem)
    assert not spool.problem
    assert spool.ids() == [make_capture(1).id]


def test_a_full_disk_is_a_problem_until_there_is_room_again(tmp_path: Path, make_capture: Make) -> None:
    """A limit on file sizes, set for this process, refuses the write as a full disk does."""
    spool = Spool(tmp_path, ROOM)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(SpoolError, match=r"SPOOL_DIR=.* cannot take captures"):
            spool.put(make_capture(1))
        assert "SPOOL_DIR" in str(spool.problem)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)

    spool.check_writable()
    recovered = spool.problem
    spool.put(make_capture(2))

    assert not recovered
    assert spool.ids() == [make_capture(2).id]
    assert not list(tmp_path.glob("*.part"))


WRITE_FOREVER = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

import cv2
import numpy as np
from camera.pipeline.visits.encoder import CaptureEncoder
from camera.pipeline.tracking.detector import Detection
from camera.sources.frame import Frame
from common.contract.capture import Box
from camera.delivery.spool import Spool

spool = Spool(Path(sys.argv[1]), 10**9)
encoder = CaptureEncoder(camera="porch", whole_frame=True, margin=0, image_format="png")
now = datetime.now(UTC)
for number in range(10**6):
    image = np.full((16, 16, 3), number % 256, np.uint8)
    capture = encoder.encode(
        encoder.crop(Frame(image, now + timedelta(seconds=number), 0, 0), Detection(Box(1, 2, 3, 4), 0.9), 0.5, "1"),
        "first",
    )
    spool.put(capture)
    print(capture.id, flush=True)
"""


def test_every_capture_that_put_returned_for_survives_a_kill(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITE_FOREVER, str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as writer:
        assert writer.stdout
        reached = [writer.stdout.readline().strip() for _ in range(50)]
        writer.kill()
        reached += writer.stdout.read().splitlines()

    spool = Spool(tmp_path, 10**9)

    assert all(reached)
    assert set(reached) <= set(spool.ids())
    assert all(spool.read(capture_id) for capture_id in reached)


def test_faces_are_for_nobody_else_on_this_host(tmp_path: Path, make_capture: Make) -> None:
    folder = tmp_path / "deep" / "spool"
    umask = os.umask(0)
    try:
        spool = Spool(folder, ROOM)
        spool.put(make_capture(1))
        spool.close()
        (folder / "old.png").write_bytes(b"of an older version")
        Spool(folder, ROOM)
    finally:
        os.umask(umask)

    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.name: file.stat().st_mode & 0o077 for file in folder.iterdir()} == {
        file.name: 0 for file in folder.iterdir()
    }


@pytest.mark.parametrize("error", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ESTALE, errno.EIO, errno.EACCES])
def test_a_read_that_fails_for_now_is_no_damage(
    tmp_path: Path, make_capture: Make, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    spool, capture = Spool(tmp_path, ROOM), make_capture(1)
    spool.put(capture)

    def refuse(_: Path) -> bytes:
        raise OSError(error, os.strerror(error))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", refuse)
        with pytest.raises(SpoolError, match="Cannot read"):
            spool.read(capture.id)

    assert spool.read(capture.id) == capture


def test_a_file_that_somebody_deleted_is_forgotten(tmp_path: Path, make_capture: Make) -> None:
    spool, capture = Spool(tmp_path, ROOM), make_capture(1)
    spool.put(capture)
    (tmp_path / f"{capture.id}.png").unlink()

    assert spool.read(capture.id) is None
    assert (spool.depth, spool.bytes) == (0, 0)


@pytest.mark.parametrize("other", [None, "holiday.txt"])
def test_a_folder_that_others_could_read_is_closed_unless_it_holds_something_else(
    tmp_path: Path, other: str | None
) -> None:
    folder = tmp_path / "spool"
    (folder / "damaged").mkdir(parents=True)
    (folder / ".lock").touch()
    (folder / "old.png").write_bytes(b"an image")
    if other:
        (folder / other).touch()
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)

    Spool(folder, ROOM).close()

    assert folder.stat().st_mode & 0o777 == (0o755 if other else 0o700)
    assert (folder / "damaged").stat().st_mode & 0o777 == 0o700
    assert (folder / "old.png").stat().st_mode & 0o777 == 0o600
    if other:
        assert (folder / other).stat().st_mode & 0o777 == 0o644


def test_a_spool_that_cannot_be_listed_is_not_open_and_knows_all_captures_later(
    tmp_path: Path, make_capture: Callable[[int], Capture]
) -> None:
    earlier = Spool(tmp_path, 1_000_000)
    earlier.put(make_capture(1))
    earlier.close()

    with mock.patch("camera.delivery.spool.os.scandir", side_effect=OSError(errno.EIO, "Input/output error")):
        spool = Spool(tmp_path, ROOM)
        found = [(spool.is_open, spool.ids())]
    spool.check_writable()
    found.append((spool.is_open, spool.ids()))

    assert found == [(False, []), (True, [make_capture(1).id])]
    spool.close()


def test_what_the_disk_does_not_delete_is_deleted_later_and_waits_no_more(
    tmp_path: Path, make_capture: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path, ROOM)
    spool.put(make_capture(1))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", mock.Mock(side_effect=OSError(errno.EROFS, "Read-only file system")))
        removed = spool.remove(make_capture(1).id), spool.remove(make_capture(1).id)
    waiting, kept_bytes, problem = spool.ids(), spool.bytes, spool.problem
    spool.check_writable()

    assert removed == (True, False)
    assert waiting == []
    assert kept_bytes == len(make_capture(1).image)
    assert "Read-only file system" in str(problem)
    assert (spool.bytes, spool.problem) == (0, None)
    assert not list(tmp_path.glob("*.png"))
    spool.close()
