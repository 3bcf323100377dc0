"""Which tests share a worker.

Compose projects build the same images, and two fault worlds starve each other. Tests that mostly wait, for brokers and
bridges that connect again, wait one after the other while other workers compute: xdist begins with the largest groups.
The quick tests of a file stay together, and those that share a fixture of their module, so that it is made once:
Compose's view of a file, or a gallery with a month of visits.
"""

import functools

from xdist.scheduler import LoadGroupScheduling

from tests.support.paths import ROOT

GROUPS = {
    "tests/integration/broker/": "brokers",
    "tests/integration/edge/": "edges",
    "tests/edge/sources/test_replug.py": "edges",
    "tests/integration/path/": "bridges",
    "tests/e2e/test_two_files.py": "compose",  # as long as all others with containers together
    "tests/e2e/test_devices.py": "compose",
    "tests/e2e/": "containers",
    "tests/faults/test_containers.py": "containers",
    "tests/faults/": "faults",
    "tests/reality/kernel/": "machine",
    "tests/reality/test_arm64.py": "arm64",
}
TOGETHER = ("tests/deploy/", "tests/documents/", "tests/kubernetes/")
LONG = (  # quick tests, but many seconds together: one by one they fill the workers at the end
    *("tests/cli/test_usbcam.py", "tests/common/web/test_page_attack.py", "tests/simulator/"),
    "tests/edge/pipeline/test_tampering.py",
)


class GroupScheduling(LoadGroupScheduling):  # type: ignore[misc] # xdist has no types
    """The tests of a group run one by one in one worker. By path: pytest 9.2 hides the names xdist would go by."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        is_fast = self.config.getoption("--fast") and not file.startswith(LONG)
        is_whole = is_fast or file.startswith(TOGETHER) or shares(file)
        return next((group for path, group in GROUPS.items() if file.startswith(path)), file if is_whole else nodeid)


@functools.cache
def shares(file: str) -> bool:
    """Whether a file has a fixture that is made once for its module."""
    return 'scope="module"' in (ROOT / file).read_text(encoding="utf-8")
