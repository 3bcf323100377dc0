"""What log.awk makes of the broker's lines, without a broker."""

import os
import subprocess
from pathlib import Path

from dev.harness.services import CLOUD_FILES

DENIED = "2026-11-22T06:33:{second}: Denied PUBLISH from porch (d0, q0, r0, m0, 'usbcam/attic/images', ... (1 bytes))"
CONNECTED = "2026-11-22T06:33:{second}: New client connected from 203.0.113.7:{port} as porch (p5, c1, k60, u'porch')."
CUT = "2026-11-22T06:33:20: OpenSSL Error[0]: error:0A000126:SSL routines::unexpected eof while reading"
ENDED = "2026-11-22T06:33:20: Client porch [203.0.113.7:{port}] disconnected: connection closed by client."
HEALTH = "2026-11-22T06:33:40: New client connected from 127.0.0.1:5 as health-1-2 (p2, c1, k60)."


def said(folder: Path, *lines: str) -> list[str]:
    files = {name: str(folder / name) for name in ("connected", "stuck", "unreadable", "read_for")}
    given = [word for name, value in files.items() for word in ("-v", f"{name}={value}")]
    command = ["awk", *given, "-v", "hold_seconds=30", "-f", str(CLOUD_FILES / "log.awk")]
    environment = {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        command, input="\n".join([*lines, ""]), env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.splitlines()


def test_refusals_that_were_not_said_are_counted_also_where_none_follows(tmp_path: Path) -> None:
    flood = [DENIED.format(second=second) for second in [10] * 30 + [11] * 7]

    lines = said(tmp_path, *flood, HEALTH)

    assert len([line for line in lines if "Denied PUBLISH" in line]) == 10
    assert [line for line in lines if "more of" in line] == [
        "2026-11-22T06:33:10: Refused 25 more of porch",
        "2026-11-22T06:33:11: Refused 2 more of porch",
    ]


def test_an_edge_that_comes_and_goes_all_the_time_is_named_and_fills_no_log(tmp_path: Path) -> None:
    coming = [CONNECTED.format(second=10, port=port) for port in range(130)]

    lines = said(tmp_path, *coming, *(ENDED.format(port=port) for port in range(130)), HEALTH)

    assert "2026-11-22T06:33:10: 125 more connections of porch" in lines
    assert "2026-11-22T06:33:20: 125 more ends of connections of porch" in lines
    assert "2026-11-22T06:33:10: The edge porch floods, revoke it: it connects more than once a second" in lines
    assert len(lines) < 20


def test_an_edge_whose_connection_was_cut_is_not_called_connected_nor_refused(tmp_path: Path) -> None:
    first = CONNECTED.format(second=10, port=1)

    lines = said(tmp_path, first, CUT, ENDED.format(port=1))

    assert not any("Refused" in line for line in lines)
    assert "unexpected eof" in lines[-1]
    assert (tmp_path / "connected").read_text() == ""
    said(tmp_path, first, CUT, ENDED.format(port=2))  # another one, that this one took over
    assert (tmp_path / "connected").read_text() == "porch\n"
