"""Who is told what, by a clock of the test's own: once, also over restarts, and whoever is away holds up nobody."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from common.contract.certificate_expiry import CertificateExpiry
from common.contract.receipt import Receipt, StoredCapture
from common.contract.uploader_status import UploaderStatus
from common.contract.visit import Visit
from gallery.fleet.fleet import MAX_CAMERAS, Fleet
from gallery.fleet.json_state import JsonState
from gallery.fleet.notifications.message import Message
from gallery.fleet.notifications.notifier import Notifier, Thresholds
from gallery.fleet.notifications.quiet_hours import QuietHours
from gallery.fleet.notifications.services import split
from gallery.fleet.notifications.visits import VisitNotifications

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Kill(BaseException):
    """The process ends here."""


class People:
    """Services that take messages, or do not."""

    def __init__(self, names: Sequence[str] = ("phone",)) -> None:
        self.names = tuple(names)
        self.away: set[str] = set()
        self.dies = False
        self.told: list[tuple[str, Message]] = []

    def send(self, name: str, message: Message) -> bool:
        if name in self.away:
            return False
        self.told.append((name, message))
        if self.dies:
            raise Kill
        return True

    def titles(self) -> list[str]:
        return [message.title for _, message in self.told]


class World:
    """A fleet, a notifier, and a clock."""

    def __init__(self, folder: Path, people: People, quiet: str = "") -> None:
        self.now, self._folder, self._people, self._quiet = NOON, folder, people, quiet
        self.fleet = Fleet()
        self.speaking: dict[tuple[str, str], dict[str, object]] = {}
        self.uploader: str | None = ""  # its problem; None: it is gone
        self.restart()

    def restart(self) -> None:
        visits = VisitNotifications(timedelta(minutes=10), QuietHours.parse(self._quiet, "UTC"))
        self.notifier = Notifier(
            self.fleet,
            self._folder / "dates.json",
            JsonState(self._folder / "notifications.json"),
            self._people,
            visits,
            Thresholds(after=timedelta(minutes=1), backlog=100, visits=True),
        )
        self.notifier._state.load(self.notifier._load)  # noqa: SLF001 -- as `start` does, without its thread
        self.fleet.set_listening(self.now)

    def pass_time(self, seconds: float) -> None:
        """Let everybody speak every five seconds, and the notifier act."""
        until = self.now + timedelta(seconds=seconds)
        while self.now < until:
            self.now += timedelta(seconds=5)
            for (edge, camera), words in self.speaking.items():
                self.fleet.record(edge, camera, json.dumps({"online": True} | words).encode(), self.now)
            if self.uploader is not None:
                self.notifier.on_uploader_status(UploaderStatus("one", self.uploader or None).to_json(), self.now)
            self.notifier.tick(self.now)

    def visit(self, track: str = "t1", *, stored: bool = True, camera: str = "front", edge: str = "porch") -> None:
        began = self.now - timedelta(seconds=9)
        visit = Visit(track, camera, began, self.now, (f"id-{track}", f"b-{track}"), f"b-{track}")
        self.notifier.on_visit(edge, visit.to_json(), self.now)
        if stored:
            self.notifier.on_receipt(edge, Receipt((StoredCapture(f"b-{track}", f"{edge}/{track}.png"),)))


@pytest.fixture
def people() -> People:
    return People()


@pytest.fixture
def world(tmp_path: Path, people: People) -> World:
    world = World(tmp_path, people)
    world.speaking = {("porch", "front"): {}, ("attic", "roof"): {}}
    world.pass_time(120)
    assert people.told == []
    return world


def test_an_edge_that_dies_is_told_within_90_s_and_its_return_once(world: World, people: People) -> None:
    del world.speaking["porch", "front"]

    world.pass_time(80)
    world.pass_time(3600)
    assert people.titles() == ["The edge porch is gone: nothing was heard from it."]

    world.speaking["porch", "front"] = {}
    world.pass_time(300)
    assert people.titles()[1:] == ["The edge porch is back."]


@pytest.mark.parametrize(
    ("words", "alarm", "good"),
    [
        (
            {"blind": "covered"},
            "The camera porch/front sees nothing: something covers its lens.",
            "The camera porch/front sees again.",
        ),
        (
            {"state": "reconnecting", "problem": "call http://evil.example now"},
            "The camera porch/front gives no pictures.",
            "The camera porch/front gives pictures again.",
        ),
        (
            {"online": False},
            "The camera porch/front gives no pictures.",
            "The camera porch/front gives pictures again.",
        ),
        ({"waiting": 100}, "100 captures wait on the edge porch.", "The captures of the edge porch are sent again."),
    ],
)
def test_what_lasts_is_told_and_what_is_short_is_not(
    world: World, people: People, words: dict[str, object], alarm: str, good: str
) -> None:
    world.speaking["porch", "front"] = words
    world.pass_time(40)
    world.speaking["porch", "front"] = {}
    world.pass_time(20)
    assert people.told == []

    world.speaking["porch", "front"] = words
    world.pass_time(200)
    world.speaking["porch", "front"] = {}
    world.pass_time(200)

    assert people.titles() == [alarm, good]


def test_a_blindness_that_nobody_knows_is_not_repeated(world: World, people: People) -> None:
    world.speaking["porch", "front"] = {"blind": "see http://evil.example"}
    world.pass_time(200)

    assert people.told == []


def test_a_store_that_refuses_and_an_uploader_that_is_gone_are_told(world: World, people: People) -> None:
    world.uploader = "access to the bucket b is denied"
    world.pass_time(120)
    world.uploader = ""
    world.pass_time(20)
    world.uploader = None
    world.pass_time(200)

    assert people.titles() == [
        "Captures are not stored, and wait: access to the bucket b is denied.",
        "Captures are stored again.",
        "No uploader reports, so no capture is stored: run ./usbcam status.",
    ]


def test_while_the_broker_is_away_no_edge_is_called_gone(world: World, people: People) -> None:
    world.fleet.set_listening(None)
    world.speaking, spoke, world.uploader = {}, world.speaking, None
    world.pass_time(300)
    world.fleet.set_listening(world.now)
    world.speaking, world.uploader = spoke, ""
    world.pass_time(300)

    assert people.titles() == [
        "The gallery is not connected to the cloud broker: run ./usbcam status.",
        "The gallery is connected to the cloud broker again.",
    ]


def test_certificates_that_end_are_told_a_month_a_week_and_a_day_before(
    world: World, people: People, tmp_path: Path
) -> None:
    for days in (40, 29, 20, 6, 3, 0.5):
        dates = CertificateExpiry(edges={"porch": world.now + timedelta(days=days), "attic": NOON.replace(year=2099)})
        (tmp_path / "dates.json").write_bytes(dates.to_json())
        world.pass_time(10)

    assert len(people.told) == 3
    assert all("token of the edge porch ends on" in title for title in people.titles())


def test_much_at_once_is_one_message(world: World, people: People) -> None:
    world.speaking = {}
    world.pass_time(200)

    assert people.titles() == ["2 alarms"]
    assert "The edge attic is gone" in people.told[0][1].body


def test_nothing_is_told_twice_over_restarts(world: World, people: People) -> None:
    del world.speaking["porch", "front"]
    world.visit("t1", camera="roof")
    world.pass_time(100)
    told = people.titles()

    for _ in range(3):
        world.restart()
        world.visit("t1", camera="roof")
        world.pass_time(100)

    assert len(told) == 2
    assert people.titles() == told


def test_a_crash_while_a_service_is_asked_does_not_tell_it_twice(world: World, people: People) -> None:
    world.visit("t1")
    people.dies = True
    with pytest.raises(Kill):
        world.pass_time(10)

    people.dies = False
    world.restart()
    world.pass_time(200)

    assert len(people.told) == 1


def test_a_service_that_is_away_gets_it_later_and_holds_up_no_other(tmp_path: Path) -> None:
    people = People(("phone", "mail"))
    people.away = {"phone"}
    world = World(tmp_path, people)
    world.pass_time(10)
    world.visit("t1")
    world.pass_time(60)
    world.restart()
    world.pass_time(60)
    assert [name for name, _ in people.told] == ["mail"]

    people.away = set()
    world.pass_time(1500)

    assert [name for name, _ in people.told] == ["mail", "phone"]


def test_old_news_of_a_service_that_stays_away_is_given_up(world: World, people: People) -> None:
    people.away = {"phone"}
    world.visit("t1")
    world.pass_time(2 * 3600)
    people.away = set()
    world.pass_time(1200)

    assert people.told == []


def test_a_visit_is_told_with_its_best_shot_and_then_not_again_for_a_while(world: World, people: People) -> None:
    world.visit("t1")
    world.pass_time(10)
    world.visit("t2")
    world.visit("t3", camera="roof")
    world.pass_time(60)
    world.pass_time(600)
    world.visit("t4")
    world.pass_time(60)

    keys = [message.key for _, message in people.told]
    assert keys == ["porch/t1.png", "porch/t3.png", "porch/t4.png"]
    assert people.titles()[0] == "Somebody was at front (porch)."
    assert "1 more visits" in people.told[2][1].body


def test_an_edge_that_tells_of_thousands_of_visits_keeps_no_other_from_being_told(world: World, people: People) -> None:
    for number in range(6000):
        world.visit(f"t{number}", stored=False, camera=f"made-up-{number}")
        if number % 1000 == 0:
            world.pass_time(5)
    world.visit("t", edge="attic", camera="roof")
    world.pass_time(60)

    assert people.titles().count("Somebody was at roof (attic).") == 1
    assert len(people.told) == 1 + MAX_CAMERAS


def test_a_visit_whose_picture_does_not_arrive_is_told_without_it(world: World, people: People) -> None:
    world.visit("t1", stored=False)
    world.pass_time(30)
    assert people.told == []

    world.pass_time(60)

    assert [message.key for _, message in people.told] == [None]


def test_quiet_hours_are_for_visits_and_not_for_alarms(tmp_path: Path, people: People) -> None:
    world = World(tmp_path, people, quiet="11:00-13:00")
    world.speaking = {("porch", "front"): {}}
    world.pass_time(60)
    world.visit("t1")
    world.pass_time(20)
    world.speaking = {}
    world.pass_time(200)

    assert people.titles() == ["The edge porch is gone: nothing was heard from it."]


@pytest.mark.parametrize(
    "payload",
    [b"", b"[]", b"\xff", b"[" * 9000, b"x" * 100_000, b'{"camera": "../x"}', b'{"captures": 3, "best": "b"}'],
)
def test_a_visit_that_no_camera_writes_is_left_out(world: World, people: People, payload: bytes) -> None:
    world.notifier.on_visit("porch", payload, world.now)
    world.pass_time(100)

    assert people.told == []


def test_quiet_hours_reach_over_midnight() -> None:
    quiet = QuietHours.parse("22:00-07:00", "UTC")

    assert quiet is not None
    assert [quiet.cover(NOON.replace(hour=hour)) for hour in (21, 22, 3, 6, 7)] == [False, True, True, True, False]
    with pytest.raises(ValueError, match="must be hours"):
        QuietHours.parse("22-7")


def test_addresses_are_separated_by_spaces_or_commas() -> None:
    addresses = "ntfy://host/topic, mailto://u:p@host?to=a@x,b@y\njson://host/x"

    assert split(addresses) == ["ntfy://host/topic", "mailto://u:p@host?to=a@x,b@y", "json://host/x"]
