"""What comes in is on disk before it is sent, and what cannot be spooled is told to whoever made it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from camera.config.settings import Settings
from camera.delivery.capture_sink import CaptureSink
from camera.delivery.history import Journal
from camera.delivery.publisher import Publisher
from camera.delivery.spool import Spool
from common.contract.capture import Capture


def test_captures_that_cannot_be_spooled_are_returned(
    tmp_path: Path, make_capture: Callable[[int], Capture], monkeypatch: pytest.MonkeyPatch
) -> None:
    spool, history = Spool(tmp_path, 1_000_000), Journal()
    sink = CaptureSink(spool, Publisher(Settings(), spool, ()), history)
    good, bad = make_capture(1), make_capture(2)
    rename = Path.rename

    def rename_or_fail(path: Path, target: Path) -> Path:
        if bad.id in path.name:
            raise OSError(28, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", rename_or_fail)

    assert sink.accept([good, bad], []) == {bad.id}
    assert spool.ids() == [good.id]
    assert [record.id for record in history.recent()] == [good.id]
