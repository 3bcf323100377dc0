"""How the demo behaves on a terminal: a counter in its place, ports that are known beforehand."""

import io
import signal
import socket
import subprocess
import sys

import pytest

from dev.demo import ports
from dev.demo.terminal import CLEAR, Counter
from tests.support.paths import ROOT


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_a_count_takes_the_place_of_the_last_one() -> None:
    output = Terminal()
    counter = Counter(output)

    counter.show("one")
    counter.show("two")
    counter.close()

    assert output.getvalue() == f"{CLEAR}one{CLEAR}two\n"


def test_in_a_file_counts_are_lines() -> None:
    output = io.StringIO()
    counter = Counter(output)

    counter.show("one")
    counter.show("two")
    counter.close()

    assert output.getvalue() == "one\ntwo\n"


def test_a_page_has_its_own_port_unless_another_program_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(ports, "LIVE", taken.getsockname()[1])

        assert ports.free_pages()[0] == ports.ANY
    assert ports.free_pages()[0] == ports.LIVE


def test_ctrl_c_while_python_itself_starts_is_quiet() -> None:
    blocking = ["env", "--block-signal=INT"]
    if subprocess.run([*blocking, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this env cannot hold signals back")
    assert " ".join(blocking) in (ROOT / "demo").read_text(encoding="utf-8")
    start = f"import signal; signal.raise_signal({signal.SIGINT}); import sys; sys.argv = ['-m']; import dev.demo"
    demo = [*blocking, sys.executable, "-c", start]

    done = subprocess.run(demo, cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)

    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
