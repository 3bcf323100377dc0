"""Waiting for S3: the threads wait together, and the log says each thing once."""

import logging
import threading

import pytest
from botocore.exceptions import ClientError

from uploader.store.retry import RetryCoordinator, StoppedError


def response(code: str, status: int) -> ClientError:
    return ClientError(
        {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "PutObject",
    )


def test_an_outage_is_logged_once_and_its_end_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    attempts = iter([response("InternalError", 500)] * 3)

    def attempt() -> str:
        for error in attempts:
            raise error
        return "done"

    assert RetryCoordinator("captures").run(attempt) == "done"
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "after 3 failed attempts" in caplog.text


def test_one_success_wakes_all_waiters() -> None:
    retry = RetryCoordinator("captures")
    stored = threading.Semaphore(0)
    there = threading.Event()
    failed = threading.Semaphore(0)

    def attempt() -> None:
        if not there.is_set():
            failed.release()
            raise response("NoSuchBucket", 404)
        stored.release()

    for _ in range(8):
        threading.Thread(target=retry.run, args=[attempt], daemon=True).start()
    for _ in range(8 * 3):
        failed.acquire()
    there.set()
    retry.wake_waiters()

    assert all(stored.acquire(timeout=10) for _ in range(8))


def test_stopping_ends_the_wait() -> None:
    retry = RetryCoordinator("captures")
    retry.stop()

    with pytest.raises(StoppedError):
        retry.run(lambda: (_ for _ in ()).throw(response("InternalError", 500)))


def test_delays_grow_to_half_a_minute_and_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    delays: list[float] = []
    monkeypatch.setattr("uploader.store.retry.random.uniform", lambda _shortest, longest: longest)
    monkeypatch.setattr(RetryCoordinator, "_wait", lambda _self, seconds, *_: delays.append(seconds))
    attempts = iter([response("SlowDown", 503)] * 8)

    def attempt() -> None:
        for error in attempts:
            raise error

    RetryCoordinator("captures").run(attempt)

    assert delays == pytest.approx([0.6, 1.8, 5.4, 16.2, 30, 30, 30, 30])


@pytest.mark.parametrize(("conflicts", "said"), [(1, []), (30, ["WARNING", "INFO"])])
def test_a_conflict_is_an_everyday_matter_and_many_in_a_row_are_not(
    conflicts: int, said: list[str], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr("uploader.store.retry.MIN_DELAY_SECONDS", 0.001)
    monkeypatch.setattr("uploader.store.retry.MAX_DELAY_SECONDS", 0.001)
    attempts = iter([response("OperationAborted", 409)] * conflicts)

    def attempt() -> str:
        for error in attempts:
            raise error
        return "done"

    assert RetryCoordinator("captures").run(attempt) == "done"
    assert [record.levelname for record in caplog.records] == said
