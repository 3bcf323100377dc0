"""A fake machine for every test of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.edge.sources.v4l2.fake_v4l2 import FakeMachine


@pytest.fixture
def here(tmp_path: Path) -> Iterator[FakeMachine]:
    machine = FakeMachine(tmp_path)
    yield machine
    assert not machine.open_nodes  # whatever a test did, nothing is left open
