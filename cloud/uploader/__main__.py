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
from storage.presign import LONGEST, LinkError, lifetime, share
from uploader import metrics
from uploader.admin.check import examine
from uploader.admin.setup import settle
from uploader.meter import Meter
from uploader.mqtt.receipts import Receipts
from uploader.mqtt.session import session
from uploader.mqtt.subscriber import Deliveries, Subscriber
from uploader.service import Service
from uploader.settings import HealthSettings, Settings, sentences
from uploader.store.bare_images import Arrivals
from uploader.store.fast_put import find_shortcut
from uploader.store.retry import Outage
from uploader.store.writer import Storage, connect
from uploader.worker import Upload

WRONG_SETTING = 2
AHEAD = 4  # images that are already here when an upload ends
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
    upload = build(settings, registry)
    service = Service(upload, threads=settings.upload_threads, heartbeat_file=settings.heartbeat_file)
    start_log(settings.log_level)
    registry.register(metrics.Readings(upload, settings.certificates_file))
    metrics.serve(registry, settings.metrics_bind, settings.metrics_port)
    return service.run(stop_signals())


def build(settings: Settings, registry: CollectorRegistry) -> Upload:
    deliveries: Deliveries = SimpleQueue()
    storage = Storage(lambda: connect(settings), settings, lambda client: find_shortcut(client, settings))
    window = settings.upload_threads + AHEAD
    subscriber = Subscriber(
        session(settings.uploaders), settings.cloud_broker_host, settings.cloud_broker_port, window, deliveries
    )
    return Upload(
        deliveries=deliveries,
        subscriber=subscriber,
        arrivals=Arrivals(storage, settings.s3_key_template),
        storage=storage,
        outage=Outage(settings.s3_bucket),
        receipts=Receipts(subscriber.publish),
        meter=Meter(registry),
        max_pixels=settings.max_image_pixels,
    )


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
    return tell(settle(connect(settings), settings), "nothing to change", "not everything could be set up; see FAIL")


def link(arguments: argparse.Namespace) -> int:
    """Print the link alone on standard output, for whoever pastes or pipes it."""
    try:
        made = share(Settings(), arguments.key, arguments.expires)
    except LinkError as error:
        return fail(str(error), code=1)
    print(made.url)
    print(f"uploader: good until {made.until:%Y-%m-%d %H:%M} UTC", file=sys.stderr)
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
        "--expires", type=_lifetime, default=LONGEST, metavar="7d", help="how long it is good: 30m, 12h, at most 7d"
    )
    sharing.set_defaults(command=link)
    return parser.parse_args()


def _lifetime(text: str) -> timedelta:
    try:
        return lifetime(text)
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
