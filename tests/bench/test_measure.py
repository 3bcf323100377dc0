"""How the benches go on: a peer that fails is left out in one sentence, and a bench that fails ends no other."""

from pathlib import Path

import pytest

from dev.bench import __main__ as bench
from dev.bench.figures import machine, measure, report
from dev.bench.figures.measure import Sample, Series, paired
from dev.bench.peers import nodered
from dev.bench.workloads import soak, uploader
from dev.bench.workloads.bridge import OURS, speed_table
from dev.harness.process import StartError


def works() -> Sample:
    return {"images/s": 2.0}


def fails() -> Sample:
    raise StartError("s5cmd ended with status 127:\n no such\n file")


def test_a_peer_that_fails_is_left_out_with_its_reason_and_not_run_again() -> None:
    tried = []

    def fails_later() -> Sample:
        tried.append("")
        return works() if len(tried) == 1 else fails()

    series = paired({"ours": works, "s5cmd": fails_later}, runs=4, peers=("s5cmd",))

    assert len(tried) == 2
    assert list(series.samples) == ["ours"]
    assert len(series.samples["ours"]) == 4
    assert report.left_out(series, series) == ("s5cmd was left out: s5cmd ended with status 127: no such file.",)


def test_what_is_ours_is_never_left_out() -> None:
    with pytest.raises(StartError):
        paired({"ours": fails, "s5cmd": works}, runs=1, peers=("s5cmd",))


def test_a_reason_is_one_line_and_never_empty() -> None:
    assert measure.reason(TimeoutError()) == "TimeoutError"
    assert measure.reason(TimeoutError("waited\n\n  for  it")) == "waited for it"


def test_the_table_of_the_bridge_needs_no_relay() -> None:
    names = ("images/s", "CPU µs", "p50 ms", "p99 ms")
    table = speed_table(8, Series({OURS: [dict.fromkeys(names, 1.0)]}))

    assert [row[0] for row in table.rows] == [OURS]


def test_versions_are_said_without_what_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "PACKAGES", ("boto3", "a-package-that-nobody-has"))

    said = machine.measured("dev/bench/run")

    assert "boto3 " in said
    assert "nobody" not in said


def test_what_is_not_on_the_path_is_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(nodered, "install", lambda: True)
    monkeypatch.setenv("PATH", str(tmp_path))

    reason = "it is not installed here"
    assert uploader.absent() == {"s5cmd": reason, "a folder and rclone": reason}


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (TimeoutError("waited 30 s for the broker"), "bench: camera failed: waited 30 s for the broker"),
        (FileNotFoundError("there is no model"), "bench: camera failed: there is no model"),
        (KeyError("MB"), "bench: camera failed"),
    ],
)
def test_a_bench_that_fails_says_so_and_the_next_is_run(
    error: Exception, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(_folder: Path) -> report.Report:
        raise error

    monkeypatch.setattr(
        bench, "find", {"camera": run, "tampering": lambda _folder: report.Report("tampering", "", ())}.get
    )
    monkeypatch.setattr(bench, "QUICK", True)  # which writes nothing
    monkeypatch.setattr("sys.argv", ["bench", "camera", "tampering"])

    assert bench.main() == 1
    output = capsys.readouterr()
    assert output.err.splitlines()[-1] == said
    assert "## tampering" in output.out


@pytest.mark.parametrize("text", ["all night", "0", "-5", "nan", "inf", "1e9", "999999", "\u0661"])
def test_a_soak_of_no_time_is_refused_in_a_sentence(
    text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOAK_MINUTES", text)
    monkeypatch.setattr("sys.argv", ["bench", "soak"])

    assert bench.main() == 1
    said = f"bench: soak failed: SOAK_MINUTES={text} must be a number of minutes, such as 10"
    assert capsys.readouterr().err.splitlines() == [said]


def test_a_soak_lasts_as_long_as_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOAK_MINUTES", raising=False)
    assert soak.soak_seconds() == 600
    monkeypatch.setenv("SOAK_MINUTES", "1.5")
    assert soak.soak_seconds() == 90


def test_ctrl_c_ends_a_bench_quietly(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def run(_folder: Path) -> report.Report:
        raise KeyboardInterrupt

    monkeypatch.setattr(bench, "find", lambda _name: run)
    monkeypatch.setattr("sys.argv", ["bench", "camera"])

    assert bench.main() == 130
    assert capsys.readouterr().err == "bench: stopped\n"


def test_a_short_look_writes_nothing_and_a_whole_run_does(monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    monkeypatch.setattr(bench, "find", lambda _name: lambda _folder: report.Report("tampering", "", ()))
    monkeypatch.setattr(report, "write", lambda *_: written.append(""))
    monkeypatch.setattr("sys.argv", ["bench", "tampering"])

    for quick, expected in ((True, 0), (False, 1)):
        monkeypatch.setattr(bench, "QUICK", quick)
        assert bench.main() == 0
        assert len(written) == expected
