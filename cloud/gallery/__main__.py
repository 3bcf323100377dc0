"""The gallery's command line, and the wiring of its parts."""

from datetime import UTC, datetime

import click
from botocore.exceptions import BotoCoreError

from common.runtime import log
from common.runtime.command_line import SETTINGS_HELP, Program, WrongInputError, say, version_option
from common.runtime.help_page import example
from common.runtime.settings import read_settings
from common.web.auth import PasswordAuth
from common.web.server import WebServerError, bind_socket, load_password
from gallery.context import build_context, build_services
from gallery.fleet.notifications.message import Kind, Message
from gallery.health_check import health_problem
from gallery.pictures.thumbnails import CacheFolderError
from gallery.settings import Settings
from gallery.web.server import gallery_server, web_settings

EPILOG = f"{SETTINGS_HELP}\n\n{example('GALLERY_PORT=8090 python -m gallery')}"


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
    say("gallery: the page and the bucket answer")
    return 0


@main.group(epilog=example("python -m gallery notify test"))
def notify() -> None:
    """Messages to people, by the services of NOTIFY_URLS."""


@notify.command(epilog=example("python -m gallery notify test"))
def test() -> int:
    """Send a test message by every service of NOTIFY_URLS."""
    settings = read_settings(Settings)
    log.configure(settings.log_level)
    if not settings.notify_urls.get_secret_value().strip():
        raise click.ClickException("NOTIFY_URLS is empty; set it in .env, such as ntfy://ntfy.sh/a-topic-of-yours")
    services = build_services(settings)
    message = Message(
        Kind.VISIT, "usbcam: a test", "Messages of usbcam arrive here.", datetime.now(UTC), services.names
    )
    failed = 0
    for name in services.names:
        taken = services.send(name, message, message.body, None)
        failed += not taken
        click.echo(f"{'pass' if taken else 'FAIL'}     {services.describe(name)}")
    if failed:
        raise click.ClickException(
            "not every service took it: check NOTIFY_URLS, and whether this host reaches the service"
        )
    return 0


def _serve_gallery(settings: Settings) -> None:
    web = web_settings(settings)
    auth = PasswordAuth(load_password(web), cookie="usbcam_gallery")
    listener = bind_socket(web)
    context = build_context(settings)
    context.receipt_feed.start()
    context.status_feed.start()
    if context.notifier:
        context.notifier.start()
    context.thumbnails.start()
    gallery_server(context, auth).run(sockets=[listener])
    context.thumbnails.stop()
    context.status_feed.stop()
    if context.notifier:
        context.notifier.stop()
    context.receipt_feed.stop()


if __name__ == "__main__":
    main()
