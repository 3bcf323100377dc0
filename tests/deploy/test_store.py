"""The demo's S3 server: what says that its disk is full, as a process and in a container."""

import importlib.util
import json
import shutil
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

from dev.harness.object_store import MEGABYTE, check_room
from dev.harness.process import StartError
from tests.support.paths import ROOT


class Disk(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture
def health() -> ModuleType:
    """The image's health check, which is a file of its own there."""
    spec = importlib.util.spec_from_file_location("store_health", ROOT / "dev" / "store" / "health.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(total=1000 * MEGABYTE, used=950 * MEGABYTE, free=50 * MEGABYTE)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: disk)


def topology(free: int, *writables: list[int] | None) -> bytes:
    """What the master answers; `writables`: the volumes of each bucket that take writes."""
    layouts = [{"collection": "faces", "writables": volumes} for volumes in writables] or None
    return json.dumps({"Topology": {"Max": free, "Free": free, "Layouts": layouts}}).encode()


@pytest.mark.parametrize("status", [topology(1000), topology(0, [1]), topology(0, None, [2])])
def test_a_store_has_room_when_a_volume_takes_writes_or_can_be_made(health: ModuleType, status: bytes) -> None:
    assert health.has_room(status)


@pytest.mark.parametrize("status", [topology(0), topology(0, None), topology(0, [])])
def test_a_store_has_no_room_when_no_volume_takes_writes(health: ModuleType, status: bytes) -> None:
    assert not health.has_room(status)


@pytest.mark.usefixtures("full_disk")
def test_a_container_on_a_full_disk_says_so(health: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE_BUCKET", "faces")
    monkeypatch.setattr(health, "get", lambda url: (403 if url == f"{health.S3}/" else 200, topology(0)))

    with pytest.raises(SystemExit, match="store: cannot write: 50 of 1000 MB are free on Docker's disk"):
        health.main()


@pytest.mark.usefixtures("full_disk")
def test_a_process_on_a_full_disk_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"cannot write: the disk of \S+ has 50 MB free, and it needs 100 MB"):
        check_room(tmp_path)
