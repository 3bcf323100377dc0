"""Whether somebody asked for the tests of this folder."""

import os

import pytest

ASKED = [
    pytest.mark.skipif(
        os.environ.get("REALITY") != "1", reason="REALITY=1 runs it: minutes, and gigabytes from Debian and PyPI"
    ),
    pytest.mark.timeout(3600),
]
