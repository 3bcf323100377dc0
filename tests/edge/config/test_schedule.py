"""When a camera runs."""

from datetime import UTC, datetime

import pytest

from camera.config.schedule import Schedule, ScheduleController

MONDAY_NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SATURDAY_NIGHT = datetime(2026, 11, 28, 23, 30, tzinfo=UTC)
SUNDAY_MORNING = datetime(2026, 11, 29, 5, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "now", "active"),
    [
        ("", MONDAY_NOON, True),
        ("run", MONDAY_NOON, True),
        ("pause", MONDAY_NOON, False),
        ("08:00-12:00", MONDAY_NOON, False),  # the end is not in it
        ("12:00-12:01", MONDAY_NOON, True),
        ("mo-fr/08:00-18:00", MONDAY_NOON, True),
        ("sa/08:00-18:00,mo/11:00-13:00", MONDAY_NOON, True),
        ("tu-su/08:00-18:00", MONDAY_NOON, False),
        ("fr-mo/00:00-24:00", MONDAY_NOON, True),  # over the week's end
        ("sa/22:00-06:00", SATURDAY_NIGHT, True),
        ("sa/22:00-06:00", SUNDAY_MORNING, True),  # it began on Saturday
        ("su/22:00-06:00", SUNDAY_MORNING, False),
    ],
)
def test_a_schedule_covers_what_it_says(text: str, now: datetime, active: bool) -> None:  # noqa: FBT001
    assert Schedule.parse(text).is_active_at(now, "UTC") is active


def test_a_schedule_is_in_its_time_zone() -> None:
    schedule = Schedule.parse("mo/13:00-14:00")

    assert schedule.is_active_at(MONDAY_NOON, "Europe/Berlin")
    assert not schedule.is_active_at(MONDAY_NOON, "UTC")


@pytest.mark.parametrize(
    "text", ["8-18", "mo-xx/08:00-18:00", "25:00-26:00", "08:00-08:00", "stop", "08:00-18:00,", "mo"]
)
def test_what_is_not_a_schedule_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Schedule.parse(text)


def test_a_command_overrides_the_schedule_until_it_is_withdrawn() -> None:
    controller = ScheduleController("", "UTC")

    controller.override("pause")
    paused = controller.is_active()
    controller.override("")

    assert not paused
    assert controller.is_active()


def test_the_answer_is_kept_for_a_minute_and_not_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    now, computed, is_active_at = MONDAY_NOON.timestamp(), list[datetime](), Schedule.is_active_at

    def count(schedule: Schedule, now: datetime, timezone: str) -> bool:
        computed.append(now)
        return is_active_at(schedule, now, timezone)

    monkeypatch.setattr("camera.config.schedule.time.time", lambda: now)
    monkeypatch.setattr(Schedule, "is_active_at", count)
    controller = ScheduleController("12:00-12:01", "UTC")

    for _ in range(100):
        controller.update()
    assert controller.is_active()
    assert len(computed) == 1
    now += 59.9
    controller.update()
    assert controller.is_active()
    now += 0.2
    controller.update()
    assert not controller.is_active()
    controller.override("run")
    assert controller.is_active()


@pytest.mark.parametrize(
    ("text", "now", "next_start"),
    [
        ("", MONDAY_NOON, None),
        ("pause", MONDAY_NOON, None),
        ("08:00-11:00", MONDAY_NOON, "2026-11-24T07:00"),  # Berlin is an hour ahead
        ("mo/14:00-15:00,tu/06:00-07:00", MONDAY_NOON, "2026-11-23T13:00"),
        ("mo/08:00-11:00", MONDAY_NOON, "2026-11-30T07:00"),
        ("sa/10:00-12:00", SUNDAY_MORNING, "2026-12-05T09:00"),
    ],
)
def test_a_schedule_says_when_the_camera_runs_again(text: str, now: datetime, next_start: str | None) -> None:
    found = Schedule.parse(text).next_start(now, "Europe/Berlin")

    assert (found and f"{found:%Y-%m-%dT%H:%M}") == next_start


def test_a_pause_is_told_with_its_beginning_and_its_end_if_the_schedule_has_one() -> None:
    controller = ScheduleController("", "UTC")
    assert controller.pause_span() == (None, None)

    controller.override("pause")
    since, until = controller.pause_span()
    assert since is not None
    assert until is None
    assert controller.pause_span()[0] == since
    controller.override("")

    assert controller.pause_span() == (None, None)
