"""What the system says reaches people in words: no numbers, no classes, no names of Python."""

import http.client
import socket
import ssl
import urllib.error

import pytest

from common.os_error import plain_reason, without_codes


def refused() -> OSError:
    """What connecting to a port without a listener raises."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        try:
            with socket.socket() as client:
                client.connect(taken.getsockname())
        except OSError as error:
            return error
    raise AssertionError


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (refused(), "Connection refused"),
        (FileNotFoundError(2, "No such file or directory", "/run/model"), "No such file or directory"),
        (OSError(98, "Address already in use (while attempting to bind on address)"), "Address already in use"),
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (TimeoutError("timed out"), "it took too long"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)"), "wrong version number"),
        (http.client.BadStatusLine("junk"), "junk"),
        (KeyError("written_at"), "it has no written_at"),
        (RuntimeError(), "an unknown error"),
        (urllib.error.URLError(ConnectionRefusedError(111, "Connection refused")), "Connection refused"),
    ],
    ids=repr,
)
def test_a_reason_is_in_words(error: Exception, said: str) -> None:
    assert plain_reason(error) == said


def test_a_librarys_words_lose_their_codes_and_nothing_else() -> None:
    said = "SSL validation failed for https://s3 [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed (_ssl.c:1)"

    assert without_codes(said) == "SSL validation failed for https://s3 certificate verify failed"
    assert without_codes("[Errno -2] Name [x] not known") == "Name [x] not known"
