"""The ports of the demo's pages: the product's own where they are free, so that the address is known beforehand."""

import socket

LIVE, GALLERY = 8080, 8081
ANY = 0


def free_pages() -> tuple[int, int]:
    """The ports of the live page and the gallery; 0 lets the system choose one."""
    return _if_free(LIVE), _if_free(GALLERY)


def _if_free(port: int) -> int:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return ANY
    return port
