"""Edge and cloud share a few files by hand, since no third package goes to both: they must stay alike."""

import re

import pytest

from tests.deploy.shipped import ROOT

COPIES = [
    ("edge/camera/live/door.py", "cloud/gallery/door.py"),
    ("edge/camera/live/gate.py", "cloud/gallery/gate.py"),
    ("edge/camera/bucket.py", "cloud/gallery/limit.py"),
]
# What differs: where things are imported from, and names that the two pages must not share.
OWN = re.compile(
    r"^from (camera|gallery).*$|^(COOKIE|SETTING|OPEN_PATHS) = .*$|live\.css|gallery\.css|^\"\"\".*$", re.MULTILINE
)


@pytest.mark.parametrize(("edge", "cloud"), COPIES)
def test_a_copy_is_like_its_original(edge: str, cloud: str) -> None:
    ours, theirs = (OWN.sub("", (ROOT / file).read_text(encoding="utf-8")) for file in (edge, cloud))

    assert ours == theirs
