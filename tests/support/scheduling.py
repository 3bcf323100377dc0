"""Which tests share a worker.

Compose projects build the same images, and two fault worlds starve each other. Tests that mostly wait, for brokers and
bridges that connect again, wait one after the other while other workers compute: xdist begins with the largest groups.
The quick tests of a file stay together, so that what they share is made once: a drawn frame, Compose's view of a file.
"""

from xdist.scheduler import LoadGroupScheduling

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


class GroupScheduling(LoadGroupScheduling):  # type: ignore[misc] # xdist has no types
    """The tests of a group run one by one in one worker. By path: pytest 9.2 hides the names xdist would go by."""

    def _split_scope(self, nodeid: str) -> str:
        alone = nodeid
        if self.config.getoption("--fast") or nodeid.startswith(TOGETHER):
            alone = nodeid.partition("::")[0]
        return next((group for path, group in GROUPS.items() if nodeid.startswith(path)), alone)
