"""The uploader's command line, and the wiring of its parts."""

import gc
import signal
from collections.abc import Iterable
from datetime import timedelta
from queue import SimpleQueue

import click
from botocore.exceptions import BotoCoreError
from prometheus_client import CollectorRegistry

from common.runtime import log
from common.runtime.check_result import CheckResult, Status, print_results
from common.runtime.command_line import SETTINGS_HELP, Program, WrongInputError, say, version_option
from common.runtime.heartbeat import health_problem
from common.runtime.help_page import example
from common.runtime.settings import read_settings
from storage.client import create_client
from storage.presign import DEFAULT_EXPIRY, PresignError, parse_duration, presign
from uploader import metrics
from uploader.admin.check import run_checks
from uploader.admin.setup import run_setup
from uploader.admin.status import describe
from uploader.service import UploaderParts
from uploader.settings import HealthSettings, Settings

EPILOG = f"{SETTINGS_HELP}\n\n{example('./usbcam check')}"


class _Uploader(Program):
    """Explains AWS settings that botocore does not accept."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (BotoCoreError, ValueError) as error:
            problem = f"the AWS settings do not work: {error}; fix AWS_PROFILE, AWS_REGION or S3_ENDPOINT_URL in .env"
            raise WrongInputError(problem) from error


def _expiry(_context: click.Context, _parameter: click.Parameter, text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.group("uploader", cls=_Uploader, invoke_without_command=True, epilog=EPILOG)
@version_option
@click.pass_context
def main(context: click.Context) -> int:
    """Store what the cameras publish in S3. Without a command, the uploader runs."""
    return context.invoke(run) if context.invoked_subcommand is None else 0


@main.command(epilog=example("python -m uploader run"))
def run() -> int:
    """Run until SIGTERM or SIGINT."""
    settings = read_settings(Settings)
    log.configure(settings.log_level)
    registry = CollectorRegistry()
    service = UploaderParts(settings, registry).build_service()
    metrics.serve(registry, settings.metrics_bind, settings.metrics_port)
    gc.freeze()  # what is there now stays: no collection has to look at it again
    return service.run(_stop_signals())


@main.command(epilog=example("python -m uploader health"))
def health() -> int:
    """Say whether the running uploader is healthy; exit code 0 or 1."""
    problem = health_problem(read_settings(HealthSettings).heartbeat_file, "uploader")
    if problem:
        raise click.ClickException(problem)
    say("uploader: subscribed, and the bucket answers")
    return 0


@main.command(epilog=example("python -m uploader check"))
def check() -> int:
    """Check broker, credentials, bucket and this machine.

    Exit code 0 or 1. Each check prints a line; one that says FAIL also says how to fix it.
    """
    return _report(run_checks(read_settings(Settings)), "everything works", "fix the lines that say FAIL")


@main.command(epilog=example("python -m uploader setup"))
def setup() -> int:
    """Create the bucket and set it up, changing only what is missing.

    Blocks public access, sets encryption, retention and TLS only, and prints what it changed.
    """
    settings = read_settings(Settings)
    results = run_setup(create_client(settings), settings)
    return _report(results, "nothing to change", "not everything could be set up; see the lines that say FAIL")


@main.command(epilog=example("python -m uploader link porch/camera/2026/11/22/ID.png --expires 12h"))
@click.argument("key")
@click.option(
    "--expires",
    callback=_expiry,
    default=DEFAULT_EXPIRY,
    metavar=DEFAULT_EXPIRY,
    help="For how long: 30m, 12h; at most 7d.",
)
def link(key: str, expires: timedelta) -> int:
    """Print a link to the image that is stored as KEY.

    Standard output has the link alone, to be pasted or piped.
    """
    try:
        made = presign(read_settings(Settings), key, expires)
    except PresignError as error:
        raise click.ClickException(str(error)) from error
    click.echo(made.url)
    say(f"uploader: valid until {made.expires_at:%Y-%m-%d %H:%M} UTC", err=True)
    if made.note:
        say(f"uploader: {made.note}", err=True)
    return 0


@main.command(epilog=example("python -m uploader status"))
def status() -> int:
    """Say what is stored, and what waits.

    One line for each edge, with the time of its last picture.
    """
    for line in describe(read_settings(Settings)):
        say(line)
    return 0


def _report(results: Iterable[CheckResult], good: str, bad: str) -> int:
    """Print the results, then what they come to; return the exit code."""
    statuses = print_results(results)
    if Status.FAIL in statuses:
        raise click.ClickException(bad)
    changes = statuses.count(Status.CHANGED)
    say(f"uploader: {f'{changes} changed' if changes else good}")
    return 0


def _stop_signals() -> SimpleQueue[int]:
    """Queue the signals: setting an event in a handler can wait for itself indefinitely."""
    signals: SimpleQueue[int] = SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: signals.put(received))
    return signals


if __name__ == "__main__":
    main()
