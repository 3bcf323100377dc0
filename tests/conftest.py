"""What every folder of tests may use: real brokers with the shipped files, a real S3 server, the shared footage."""

import contextlib
import functools
import gc
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page as Tab

from dev.harness import services
from dev.harness.services import LOOPBACK, free_port, start_store
from dev.scripts.programs import find_browser
from tests.support.container import new_container, remove_left_volumes
from tests.support.pages.tabs import PATIENCE_MILLISECONDS, Tabs, own_tab, shown
from tests.support.paths import ROOT
from tests.support.programs import launcher
from tests.support.rig import CloudBroker, EdgeBroker, Store, running_cloud_broker

SLOW = (  # S3 servers, our programs run whole, and films
    *("tests/attack/", "tests/integration/", "tests/faults/", "tests/e2e/", "tests/outside/", "tests/cloud/stores/"),
    *("tests/edge/diagnostics/", "tests/edge/web/test_live.py", "tests/edge/sources/test_replug.py"),
    *("tests/edge/sources/v4l2/test_ioctl.py", "tests/cloud/uploader/admin/", "tests/bench/test_workloads.py"),
    *("tests/cli/test_usbcam.py", "tests/cloud/enroll/test_enroll.py", "tests/deploy/test_compose.py"),
    *("tests/common/test_launcher.py", "tests/common/test_quiet_start.py"),
    "tests/edge/sources/video/test_odd_media.py",
    *(f"tests/edge/pipeline/test_{name}.py" for name in ("eyes", "tampering", "visits", "worker")),
)
SERVICES = {"store", "strict_store", "broker", "cloud_broker", "edge_broker", "edge_port", "browser"}  # fixtures
FOOTAGE = {"media"}  # minutes of real video through the detector
NOTE = "note"
BROWSER_OPTIONS = (  # containers give it no sandbox and no GPU; it must contact no other host
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fast",
        action="store_true",
        help="only tests of parts: no other program, no film",
    )


def pytest_configure() -> None:
    """Heed SIGINT, and let the programs that tests start heed it: a shell's background jobs ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    services.launch_program = launcher.launch


@pytest.hookimpl(optionalhook=True)  # also without xdist (-p no:xdist)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two workers a core, and one more where many tests wait; none for single files, which start sooner without."""
    cores = os.cpu_count() or 1
    if all(".py" in argument for argument in config.args):
        return 0
    return 2 * cores if config.getoption("--fast") else 2 * cores + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Keep together what cannot share the machine."""
    from tests.support.scheduling import GroupScheduling  # noqa: PLC0415 (xdist may be switched off)

    return GroupScheduling(config, log)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even read what --fast leaves out."""
    if not config.getoption("--fast") or not collection_path.is_relative_to(ROOT):
        return None
    path = collection_path.relative_to(ROOT).as_posix() + ("/" if collection_path.is_dir() else "")
    return path.startswith(SLOW) or None


def pytest_collection() -> None:
    """Spare the garbage collector thousands of tests, which live as long as the worker."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Collect from now on what tests leave."""
    gc.freeze()
    gc.enable()


def pytest_sessionfinish() -> None:
    remove_left_volumes()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what is fast."""
    for item in items:
        if _is_fast(item):
            item.add_marker("fast")
    if config.getoption("--fast"):
        left_out = [item for item in items if item.get_closest_marker("fast") is None]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item.get_closest_marker("fast") is not None]


def _is_fast(item: pytest.Item) -> bool:
    needed = set(getattr(item, "fixturenames", ()))
    if item.get_closest_marker("long") is not None:
        return False
    return not item.nodeid.startswith(SLOW) and needed.isdisjoint(SERVICES | FOOTAGE)


@functools.cache
def docker_answers() -> bool:
    try:
        return subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=20).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs Docker where there is none; with REQUIRE_DOCKER=1 that is a failure."""
    if item.get_closest_marker("docker") is None or docker_answers():
        return
    if os.environ.get("REQUIRE_DOCKER") == "1":
        pytest.fail("REQUIRE_DOCKER=1, but no Docker engine answers")
    pytest.skip("no Docker engine answers")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add what the page showed when its test failed."""
    report = yield
    tab = getattr(item, "funcargs", {}).get("tab")
    if report.failed and call.when == "call" and isinstance(tab, Tab):
        with contextlib.suppress(PlaywrightError):
            report.sections.append(("page", shown(tab)))
    return report


@pytest.fixture
def note(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Return a function that keeps a line for the end of the run, whichever worker ran the test."""

    def keep(line: str) -> None:
        record_property(NOTE, line)

    return keep


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the tests noted."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    notes = [
        f"{report.nodeid.partition('::')[2]}: {line}"
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, line in report.user_properties
        if name == NOTE
    ]
    if notes:
        terminalreporter.section("counts")
        terminalreporter.write_line("\n".join(notes))


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Run one S3 server for this worker's tests, or use the one at TEST_S3_ENDPOINT with the keys of AWS_*."""
    if endpoint := os.environ.get("TEST_S3_ENDPOINT"):
        yield Store(endpoint, os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
        return
    port = free_port()
    folder = tmp_path_factory.mktemp("store")
    ours = Store(f"http://{LOOPBACK}:{port}", "usbcam-test", "usbcam-test-secret", folder)
    process = start_store(folder, port=port, access_key=ours.access_key, secret_key=ours.secret_key)
    yield ours
    process.kill()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def mosquitto_image() -> str | None:
    """Name the image that the brokers run in; None is the Mosquitto of this machine. tests/integration runs both."""
    return None


@pytest.fixture
def cloud_broker(tmp_path: Path, mosquitto_image: str | None) -> Iterator[CloudBroker]:
    """Run a brand-new cloud broker that knows the edges `porch` and `attic`."""
    with running_cloud_broker(tmp_path, mosquitto_image) as broker:
        yield broker


@pytest.fixture
def edge_broker(tmp_path: Path, mosquitto_image: str | None, cloud_broker: CloudBroker) -> Iterator[EdgeBroker]:
    """Run a brand-new edge broker named `porch`, bridged to the cloud broker."""
    broker = EdgeBroker(tmp_path / "edge-broker", free_port(), cloud_port=cloud_broker.outside_port)
    broker.container = new_container(mosquitto_image)
    broker.start()
    yield broker
    broker.remove()


@pytest.fixture(scope="session")
def media() -> Path:
    """Return the folder of real footage, next to the repository on the project's machines."""
    folder = ROOT.parent / "shared" / "media"
    if not folder.is_dir():
        pytest.skip(f"no real footage at {folder}")
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Run one headless Chromium; with REQUIRE_BROWSER=1 it must be there."""
    program = find_browser()
    if program is None:
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail("REQUIRE_BROWSER=1, but there is no Chromium")
        pytest.skip("no Chromium on this machine")
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=list(BROWSER_OPTIONS))
        yield running
        running.close()


@pytest.fixture(scope="session")
def tabs(browser: Browser) -> Iterator[Tabs]:
    tabs = Tabs(browser)
    yield tabs
    tabs.close()


@pytest.fixture
def tab(tabs: Tabs) -> Iterator[Tab]:
    """A tab whose every error fails the test; others use it before and after."""
    with tabs.lent() as tab:
        yield tab


@pytest.fixture
def clock_tab(browser: Browser) -> Iterator[Tab]:
    """A tab of this test alone, whose clock it may set for good."""
    with own_tab(browser) as tab:
        yield tab
