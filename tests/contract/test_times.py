"""Times and ids are formatted and parsed in one place."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from common.contract.capture import CaptureId
from common.contract.times import compact, parse_compact, parse_timestamp, timestamp, whole_milliseconds

MORNING = datetime(2026, 11, 22, 6, 33, 25, 123_999, UTC)
NOT_TIMES = (
    "",
    "2026-11-22",
    "2026-11-22T06:33:25Z",
    "2026-11-22T06:33:25.123",
    "2026-11-22T06:33:25.123+00:00",
    "2026-13-22T06:33:25.123Z",
    "20261322T063325.123Z",
    "20261122T063325Z",
    "٢٠٢٦-11-22T06:33:25.123Z",
    "2026-11-22T06:33:25.123Z\n",
)
NOT_IDS = ("", "20261122T063325.123Z", "20261122T063325.123Z-9F2C01AB", "20261322T063325.123Z-9f2c01ab")


def test_both_spellings_say_the_same_time_to_the_millisecond() -> None:
    whole = whole_milliseconds(MORNING)

    assert timestamp(MORNING) == "2026-11-22T06:33:25.123Z"
    assert compact(MORNING) == "20261122T063325.123Z"
    assert parse_timestamp(timestamp(MORNING)) == parse_compact(compact(MORNING)) == whole
    assert whole.tzinfo is UTC


def test_a_time_of_another_zone_is_written_in_utc() -> None:
    elsewhere = MORNING.astimezone(timezone(timedelta(hours=5, minutes=30)))

    assert timestamp(elsewhere) == timestamp(MORNING)
    assert compact(elsewhere) == compact(MORNING)
    assert whole_milliseconds(elsewhere) == whole_milliseconds(MORNING)


@pytest.mark.parametrize("text", NOT_TIMES)
def test_nothing_else_is_a_time(text: str) -> None:
    for parse in (parse_timestamp, parse_compact):
        with pytest.raises(ValueError, match=r"not a time|month"):
            parse(text)


def test_an_id_is_read_back() -> None:
    made = CaptureId.of(whole_milliseconds(MORNING), b"an image")

    assert str(made).startswith("20261122T063325.123Z-")
    assert CaptureId.parse(str(made)) == made


@pytest.mark.parametrize("text", NOT_IDS)
def test_nothing_else_is_an_id(text: str) -> None:
    with pytest.raises(ValueError, match=r"not an id|month"):
        CaptureId.parse(text)
