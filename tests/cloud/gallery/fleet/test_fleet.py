"""What is known of edges and cameras from what they say, and what an edge may make up."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from common.contract.certificate_expiry import CertificateExpiry
from common.contract.times import timestamp
from gallery.fleet.fleet import MAX_CAMERAS, Fleet
from gallery.fleet.json_state import JsonState
from gallery.fleet.overview import JudgedEdge, edge_json, fleet_json, overview

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
NOBODY = CertificateExpiry()


def said(**words: object) -> bytes:
    return json.dumps({"online": True, "at": timestamp(NOW), "version": "0.1.0", "waiting": 0} | words).encode()


def seen(fleet: Fleet, seconds: float = 0, certificates: CertificateExpiry = NOBODY) -> dict[str, JudgedEdge]:
    return {edge.name: edge for edge in overview(fleet, certificates, NOW + timedelta(seconds=seconds))}


def test_an_edge_that_is_silent_is_offline_and_what_it_said_is_kept() -> None:
    fleet = Fleet()
    fleet.record("porch", "front", said(waiting=7, blind="covered"), NOW)

    assert seen(fleet, 10)["porch"].online
    later = edge_json(seen(fleet, 30)["porch"])

    assert not later["online"]
    assert later["waiting"] == 7
    assert later["last_seen_at"] == NOW.isoformat()
    assert not later["cameras"][0]["online"]


def test_a_last_will_takes_a_camera_offline_and_leaves_its_edge_online() -> None:
    fleet = Fleet()
    fleet.record("porch", "front", said(), NOW)
    fleet.record("porch", "front", b'{"online": false}', NOW)

    porch = seen(fleet, 1)["porch"]

    assert porch.online
    assert not porch.cameras[0].online
    assert edge_json(porch)["version"] == "0.1.0"


@pytest.mark.parametrize(
    ("message", "failing"),
    [
        (said(), []),
        (said(state="paused"), []),
        (said(online=False), ["front"]),
        (said(problem="The camera is unplugged."), ["front"]),
        (said(blind="covered"), ["front"]),
    ],
)
def test_a_camera_is_healthy_that_gives_pictures_or_is_paused(message: bytes, failing: list[str]) -> None:
    fleet = Fleet()
    fleet.record("porch", "front", message, NOW)

    found = fleet_json(fleet, NOBODY, NOW)

    assert [camera["camera"] for camera in found["failing"]] == failing
    assert (found["edges"], found["cameras"]) == (1, 1)


def test_whether_silent_cameras_are_healthy_is_unknown_until_they_had_the_time_to_report() -> None:
    fleet = Fleet()
    fleet.record("porch", "front", said(), NOW - timedelta(hours=1))
    known = [fleet_json(fleet, NOBODY, NOW)["status_known"]]
    fleet.set_listening(NOW)

    known += [fleet_json(fleet, NOBODY, NOW + timedelta(seconds=later))["status_known"] for later in (1, 300)]

    assert known == [False, False, True]


def test_a_camera_that_was_left_out_is_forgotten() -> None:
    fleet = Fleet()
    fleet.record("porch", "front", said(), NOW)
    fleet.record("porch", "front", b"", NOW)

    assert seen(fleet)["porch"].cameras == ()


def test_an_enrolled_edge_that_never_spoke_is_shown_and_a_revoked_one_is_not() -> None:
    fleet = Fleet()
    for edge in ("porch", "gone"):
        fleet.record(edge, "front", said(), NOW)
    certificates = CertificateExpiry(edges={"porch": NOW, "new": NOW}, revoked=frozenset({"gone"}))

    found = seen(fleet, certificates=certificates)

    assert sorted(found) == ["new", "porch"]
    assert found["new"].record is None
    assert edge_json(found["new"])["last_seen_at"] is None


def test_a_clock_that_is_behind_is_told_from_a_message_that_was_under_way() -> None:
    fleet = Fleet()
    fleet.record("porch", "front", said(at=timestamp(NOW - timedelta(hours=1))), NOW)  # as the bridge sends it again
    fleet.record("porch", "front", said(at=timestamp(NOW - timedelta(seconds=42))), NOW)

    assert edge_json(seen(fleet)["porch"])["skew_seconds"] == 42


@pytest.mark.parametrize(
    "payload",
    [
        b"\xff",
        b"[]",
        b'"x"',
        b"[" * 5000,
        b"1" * 5000,
        b'{"online": ' + b"9" * 5000 + b"}",
        b"x" * 100_000,
        b'{"online": 1, "at": 3, "state": [], "waiting": -1, "blind": {}, "problem": 7, "version": null}',
        b'{"online": true, "at": "2026-99-99T00:00:00.000Z", "waiting": 1e999, "problem": "\\ud800"}',
    ],
)
def test_what_no_camera_writes_breaks_nothing(payload: bytes) -> None:
    fleet = Fleet()
    fleet.record("porch", "front", payload, NOW)

    json.dumps([edge_json(edge) for edge in seen(fleet).values()]).encode()
    json.dumps(fleet.to_json()).encode()


def test_one_edge_fills_neither_the_memory_nor_the_place_of_others() -> None:
    fleet = Fleet()
    for number in range(5000):
        fleet.record("porch", f"camera-{number}", said(problem="x" * 7000), NOW)
    fleet.record("../x", "front", said(), NOW)
    fleet.record("cellar", "x" * 60_000, said(), NOW)
    fleet.record("attic", "front", said(), NOW)

    found = seen(fleet)

    assert sorted(found) == ["attic", "porch"]
    assert len(found["porch"].cameras) == MAX_CAMERAS
    assert found["attic"].online


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    memory, before, after = JsonState(tmp_path / "state" / "fleet.json"), Fleet(), Fleet()
    for edge in ("porch", "silent"):  # a receipt may be there before the first status
        before.record_stored(edge, f"{edge}/front/x.png")
    before.record("porch", "front", said(last_captured_at=timestamp(NOW), waiting=3), NOW)
    memory.save(before.to_json())

    memory.load(after.load)

    enrolled = CertificateExpiry(edges={"porch": NOW, "silent": NOW})
    found = {edge.name: edge_json(edge) for edge in seen(after, 60, enrolled).values()}
    assert found == {
        edge.name: edge_json(edge) | {"skew_seconds": None} for edge in seen(before, 60, enrolled).values()
    }
    assert {name: edge["last_key"] for name, edge in found.items()} == {
        name: f"{name}/front/x.png" for name in ("porch", "silent")
    }
    after.forget(frozenset({"porch", "silent"}))
    assert after.to_json() == {}


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"porch": 3}', b'{"porch": {"last_seen_at": "x"}}', b"\xff", b"[" * 9999]
)
def test_a_memory_that_cannot_be_read_is_begun_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "fleet.json").write_bytes(content)
    fleet = Fleet()

    JsonState(tmp_path / "fleet.json").load(fleet.load)

    assert seen(fleet) == {}
