"""Stores what the cameras publish in S3. Without a command it runs; the commands look, set up and share."""

import argparse
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from queue import SimpleQueue
from typing import NoReturn

from botocore.exceptions import BotoCoreError
from prometheus_client import CollectorRegistry
from pydantic import ValidationError

from common.runtime.check_result import Finding, Level, takes_colours
from common.runtime.heartbeat import complaint
from storage.client import create_client
from storage.presign import MAX_EXPIRY, PresignError, parse_duration, presign
from uploader import metrics
from uploader.admin.check import examine
from uploader.admin.setup import settle
from uploader.service import UploaderService, build_worker
from uploader.settings import HealthSettings, Settings, sentences

WRONG_SETTING = 2
MEND = "mend AWS_PROFILE, AWS_REGION or S3_ENDPOINT_URL in .env"


def main() -> int:
    arguments = _arguments()
    command: Callable[[argparse.Namespace], int] = arguments.command
    try:
        return command(arguments)
    except ValidationError as error:
        return fail(*sentences(error))
    except (BotoCoreError, ValueError) as error:
        return fail(f"the AWS settings do not work: {error}; {MEND}")


def run(_arguments: argparse.Namespace) -> int:
    settings = Settings()
    registry = CollectorRegistry()
    worker = build_worker(settings, registry)
    service = UploaderService(worker, threads=settings.upload_threads, heartbeat_file=settings.heartbeat_file)
    start_log(settings.log_level)
    metrics.serve(registry, settings.metrics_bind, settings.metrics_port)
    return service.run(stop_signals())


def tell_health(_arguments: argparse.Namespace) -> int:
    problem = complaint(HealthSettings().heartbeat_file)
    if problem:
        return fail(problem, code=1)
    print("uploader: subscribed, and the bucket answers")
    return 0


def check(_arguments: argparse.Namespace) -> int:
    return tell(examine(Settings()), "everything works", "mend the lines that say FAIL")


def set_up(_arguments: argparse.Namespace) -> int:
    settings = Settings()
    return tell(
        settle(create_client(settings), settings), "nothing to change", "not everything could be set up; see FAIL"
    )


def link(arguments: argparse.Namespace) -> int:
    """Print the link alone on standard output, for whoever pastes or pipes it."""
    try:
        made = presign(Settings(), arguments.key, arguments.expires)
    except PresignError as error:
        return fail(str(error), code=1)
    print(made.url)
    print(f"uploader: good until {made.expires_at:%Y-%m-%d %H:%M} UTC", file=sys.stderr)
    if made.note:
        print(f"uploader: {made.note}", file=sys.stderr)
    return 0


def tell(findings: Iterable[Finding], good: str, bad: str) -> int:
    """Print each as soon as it is known, then all in a sentence; return the exit code."""
    seen: list[Level] = []
    for finding in findings:
        print(finding.line(coloured=takes_colours()), flush=True)
        seen.append(finding.level)
    if Level.FAILURE in seen:
        return fail(bad, code=1)
    changed = seen.count(Level.CHANGED)
    print(f"uploader: {f'changed {changed} of these' if changed else good}")
    return 0


def fail(*problems: str, code: int = WRONG_SETTING) -> int:
    for problem in problems:
        print(f"uploader: {problem}", file=sys.stderr)
    return code


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(WRONG_SETTING, f"uploader: {message}; see --help\n")


def _arguments() -> argparse.Namespace:
    parser = _Parser(prog="uploader", description=__doc__)
    parser.set_defaults(command=run)
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")
    for name, command, words in (
        ("health", tell_health, "is the running uploader well? exit code 0 or 1"),
        ("check", check, "look at broker, credentials, bucket and this machine, and say what to mend"),
        ("setup", set_up, "make the bucket, block public access, set encryption and retention; tell what changed"),
    ):
        commands.add_parser(name, help=words, description=words).set_defaults(command=command)
    sharing = commands.add_parser("link", help="print a link to a picture", description="print a link to a picture")
    sharing.add_argument("key", metavar="KEY", help="the picture's name in the bucket")
    sharing.add_argument(
        "--expires", type=_lifetime, default=MAX_EXPIRY, metavar="7d", help="how long it is good: 30m, 12h, at most 7d"
    )
    sharing.set_defaults(command=link)
    return parser.parse_args()


def _lifetime(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def start_log(level: str) -> None:
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%SZ")
    for chatty in ("botocore", "boto3", "urllib3", "PIL", "s3transfer"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    threading.excepthook = log_thread_end


def log_thread_end(args: threading.ExceptHookArgs) -> None:
    name = args.thread.name if args.thread else "a thread"
    logging.getLogger("uploader").error("Ended %s by a fault of our own: %r", name, args.exc_value)


def stop_signals() -> SimpleQueue[int]:
    """Queue the signals: setting an event in a handler can wait for itself for ever."""
    signals: SimpleQueue[int] = SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: signals.put(received))
    return signals


if __name__ == "__main__":
    sys.exit(main())
