"""When a camera looks."""

from datetime import UTC, datetime

import pytest

from camera.config.schedule import Schedule, ScheduleController

MONDAY_NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SATURDAY_NIGHT = datetime(2026, 11, 28, 23, 30, tzinfo=UTC)
SUNDAY_MORNING = datetime(2026, 11, 29, 5, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment", "looks"),
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
def test_hours_cover_what_they_say(text: str, moment: datetime, looks: bool) -> None:  # noqa: FBT001
    assert Schedule.parse(text).is_active_at(moment, "UTC") is looks


def test_hours_are_those_of_the_time_zone() -> None:
    hours = Schedule.parse("mo/13:00-14:00")

    assert hours.is_active_at(MONDAY_NOON, "Europe/Berlin")
    assert not hours.is_active_at(MONDAY_NOON, "UTC")


@pytest.mark.parametrize(
    "text", ["8-18", "mo-xx/08:00-18:00", "25:00-26:00", "08:00-08:00", "stop", "08:00-18:00,", "mo"]
)
def test_what_are_no_hours_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Schedule.parse(text)


def test_a_command_takes_the_place_of_the_schedule_until_it_is_taken_back() -> None:
    clock = ScheduleController("", "UTC")

    clock.override("pause")
    paused = clock.is_active()
    clock.override("")

    assert not paused
    assert clock.is_active()
