"""The gallery's command line, and the wiring of its parts."""

import click
from botocore.exceptions import BotoCoreError

from common.runtime import log
from common.runtime.command_line import SETTINGS_HELP, Program, WrongInputError, example, version_option
from common.runtime.settings import read_settings
from common.web.auth import PasswordAuth
from common.web.server import WebServerError, bind_socket, load_password
from gallery.context import build_context
from gallery.health_check import health_problem
from gallery.settings import Settings
from gallery.pictures.thumbnails import CacheFolderError
from gallery.web.server import gallery_server, web_settings

EPILOG = f"""{SETTINGS_HELP}

\b
Example:
  GALLERY_PORT=8090 python -m gallery"""


@click.group("gallery", cls=Program, invoke_without_command=True, epilog=EPILOG)
@version_option
@click.pass_context
def main(context: click.Context) -> int:
    """Show what is in the bucket on a page. Without a command, the gallery runs."""
    return context.invoke(run) if context.invoked_subcommand is None else 0


@main.command(epilog=example("python -m gallery run"))
def run() -> int:
    """Serve the page until SIGTERM or SIGINT."""
    settings = read_settings(Settings)
    log.configure(settings.log_level)
    try:
        _serve_gallery(settings)
    except (BotoCoreError, CacheFolderError, WebServerError, OSError) as error:
        raise WrongInputError(str(error)) from error
    return 0


@main.command(epilog=example("python -m gallery health"))
def health() -> int:
    """Say whether the running gallery is healthy; exit code 0 or 1."""
    problem = health_problem(web_settings(read_settings(Settings)).listen_address[1])
    if problem:
        raise click.ClickException(problem)
    click.echo("gallery: the page and the bucket answer")
    return 0


def _serve_gallery(settings: Settings) -> None:
    web = web_settings(settings)
    auth = PasswordAuth(load_password(web), cookie="usbcam_gallery")
    listener = bind_socket(web)
    context = build_context(settings)
    context.receipt_feed.start()
    context.thumbnails.start()
    gallery_server(context, auth).run(sockets=[listener])
    context.thumbnails.stop()
    context.receipt_feed.stop()


if __name__ == "__main__":
    main()
