"""The first command of the README, as it is typed."""

import re
import subprocess

from tests.support.paths import ROOT


def test_the_demo_brings_a_picture_to_the_bucket_and_ends_by_itself() -> None:
    done = subprocess.run(
        ["./demo", "--native", "--check", "1"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )

    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert re.search(r"http://127\.0\.0\.1:\d+", done.stdout)
