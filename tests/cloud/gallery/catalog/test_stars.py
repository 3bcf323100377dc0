"""Stars: what is starred while their list is read shows at once."""

import threading
from pathlib import Path

import pytest

from gallery.context import build_context
from gallery.settings import Settings
from tests.cloud.rig import Bucket

KEYS = "porch/door/2026/11/22/a.png", "porch/door/2026/11/22/b.png"


def test_a_star_that_is_given_while_the_list_is_read_is_seen(
    tmp_path: Path, settings: dict[str, str], bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {name.lower(): value for name, value in settings.items()}
    folders = {"gallery_cache": tmp_path / "cache", "gallery_state": tmp_path / "state"}
    context = build_context(Settings(_env_file=None, **given, **folders))  # type: ignore[arg-type]
    context.stars.star(KEYS[:1])
    was_read, may_go_on = threading.Event(), threading.Event()
    read = context.reader.starred

    def read_slowly(limit: int) -> list[str]:
        found = read(limit)
        was_read.set()
        may_go_on.wait(20)
        return found

    monkeypatch.setattr(context.reader, "starred", read_slowly)
    threads = [threading.Thread(target=target) for target in (context.stars.keys, lambda: context.stars.star(KEYS[1:]))]
    threads[0].start()
    assert was_read.wait(20)
    threads[1].start()
    threads[1].join(1)  # it may have to wait for the list
    may_go_on.set()
    for thread in threads:
        thread.join(20)

    assert context.stars.keys() == set(KEYS)
    assert bucket.client.list_objects_v2(Bucket=bucket.name)["KeyCount"] == len(KEYS)
