"""The health check of the gallery's container: the standard library alone, since it runs again and again."""

import http.client
import json
import os
import sys

from common.os_error import plain_reason

CONTAINER_PORT = 8081  # GALLERY_PORT is the host's; Compose maps it to this one
TIMEOUT_SECONDS = 20.0


def health_problem(port: int) -> str | None:
    """Ask the running gallery on this host; None if it is healthy."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/healthz")
        healthy = json.loads(connection.getresponse().read())["healthy"]
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException) as error:
        return f"the gallery does not answer at port {port}: {plain_reason(error)}"
    finally:
        connection.close()
    return None if healthy else "the bucket does not answer, or live updates ended; the page and the log say why"


def main() -> int:
    """Print how the running gallery is; the exit code is 0 or 1."""
    in_container = bool(os.environ.get("GALLERY_LISTEN"))
    port = CONTAINER_PORT if in_container else int(os.environ.get("GALLERY_PORT") or CONTAINER_PORT)
    problem = health_problem(port)
    print(f"gallery: {problem or 'the page and the bucket answer'}")
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
