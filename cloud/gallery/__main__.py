"""Shows what is in the bucket on a page."""

import argparse
import socket
import sys

import uvicorn
from botocore.exceptions import BotoCoreError
from pydantic import ValidationError

from common.web.auth import PasswordAuth
from gallery.context import parts
from gallery.settings import Settings
from gallery.web.health import Health, complaint
from gallery.web.routes import App
from gallery.web.server import PlaceError, listen, make_cache, password, port_of
from uploader.__main__ import start_log
from uploader.settings import sentences

WRONG_SETTING = 2


def main() -> int:
    arguments = _arguments()
    try:
        settings = Settings()
        if arguments.command == "health":
            return tell_health(settings)
        return run(settings)
    except ValidationError as error:
        return fail(*sentences(error))
    except (BotoCoreError, PlaceError, OSError) as error:
        return fail(str(error))


def run(settings: Settings) -> int:
    start_log(settings.log_level)
    auth = PasswordAuth(password(settings), cookie="usbcam_gallery")
    listener = listen(settings)
    make_cache(settings)
    all_parts = parts(settings)
    app = App(all_parts, auth, Health(all_parts.bucket)).starlette()
    app.state.bucket = settings.s3_bucket
    all_parts.arrivals.start()
    all_parts.thumbnails.start()
    serve(app, listener)
    all_parts.thumbnails.stop()
    all_parts.arrivals.stop()
    return 0


def serve(app: object, listener: socket.socket) -> None:
    """Until SIGTERM or SIGINT."""
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]  # any ASGI application
        log_config=None,
        log_level="error",
        access_log=False,
        lifespan="off",
        ws="none",
        limit_concurrency=500,
        timeout_graceful_shutdown=2,
        server_header=False,
    )
    uvicorn.Server(config).run(sockets=[listener])


def tell_health(settings: Settings) -> int:
    problem = complaint(port_of(settings))
    if problem:
        return fail(problem, code=1)
    print("gallery: the page and the bucket answer")
    return 0


def fail(*problems: str, code: int = WRONG_SETTING) -> int:
    for problem in problems:
        print(f"gallery: {problem}", file=sys.stderr)
    return code


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="gallery", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    commands.add_parser("health", help="is the running gallery well? exit code 0 or 1")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
