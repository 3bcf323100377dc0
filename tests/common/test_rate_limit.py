"""The token bucket."""

from common.rate_limit import TokenBucket


def acquired(bucket: TokenBucket, now: float, attempts: int = 1000) -> int:
    return sum(bucket.try_acquire(now) for _ in range(attempts))


def test_half_a_minutes_worth_may_come_at_once() -> None:
    assert acquired(TokenBucket(60), 0.0) == 30


def test_tokens_come_back_at_the_rate_and_never_exceed_the_burst() -> None:
    bucket = TokenBucket(60)
    acquired(bucket, 0.0)

    assert acquired(bucket, 5.0) == 5
    assert acquired(bucket, 10_000.0) == 30


def test_a_small_rate_still_allows_one() -> None:
    bucket = TokenBucket(1)

    assert acquired(bucket, 0.0) == 1
    assert acquired(bucket, 59.0) == 0
    assert acquired(bucket, 60.0) == 1


def test_a_clock_that_goes_back_gives_no_tokens() -> None:
    bucket = TokenBucket(60)
    acquired(bucket, 100.0)

    assert acquired(bucket, 50.0) == 0
