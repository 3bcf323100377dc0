"""The proxy that makes a store slow: requests pass, later, and connections that are open at its end end quietly."""

import socket
import threading
import time

import pytest

from dev.bench.rig.delay import delayed

SECONDS = 0.05


def echo(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        while data := connection.recv(100):
            connection.sendall(data)


def test_what_is_asked_comes_back_later_and_an_open_connection_ends_with_the_proxy(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        answering = threading.Thread(target=echo, args=(server,))
        answering.start()
        with delayed(server.getsockname()[1], SECONDS) as port:
            client = socket.create_connection(("127.0.0.1", port), timeout=20)
            began = time.monotonic()
            client.sendall(b"asked")
            assert client.recv(100) == b"asked"
            assert time.monotonic() - began >= SECONDS
        with client:
            assert client.recv(100) == b""
        answering.join(20)

    assert not answering.is_alive()
    assert caplog.records == []
    assert capsys.readouterr().err == ""
