"""Wires the parts: `python -m uploader` runs, `python -m uploader health` tells how it is."""

import logging
import signal
import sys
import threading
import time
from queue import SimpleQueue

from botocore.exceptions import BotoCoreError
from pydantic import ValidationError

from uploader.arrival import Arrivals
from uploader.health import complaint
from uploader.outage import Outage
from uploader.receipts import Receipts
from uploader.service import Service
from uploader.session import session
from uploader.settings import HealthSettings, Settings, sentences
from uploader.storage import Storage, connect
from uploader.subscriber import Deliveries, Subscriber
from uploader.upload import Upload

WRONG_SETTING = 2


def main() -> int:
    if sys.argv[1:] == ["health"]:
        return tell_health()
    if sys.argv[1:]:
        return fail("the only command is health; without one it runs")
    try:
        settings = Settings()
        service = build(settings)
    except ValidationError as error:
        return fail(*sentences(error))
    except (BotoCoreError, ValueError) as error:
        return fail(f"the AWS settings do not work: {error}; mend AWS_PROFILE, AWS_REGION or S3_ENDPOINT_URL in .env")
    start_log(settings.log_level)
    return service.run(stop_signals())


def build(settings: Settings) -> Service:
    deliveries: Deliveries = SimpleQueue()
    outage = Outage(settings.s3_bucket)
    storage = Storage(lambda: connect(settings), settings)
    window = 2 * settings.upload_threads
    subscriber = Subscriber(
        session(settings.uploaders), settings.cloud_broker_host, settings.cloud_broker_port, window, deliveries
    )
    receipts = Receipts(subscriber.publish)
    upload = Upload(
        deliveries=deliveries,
        subscriber=subscriber,
        arrivals=Arrivals(storage, settings.s3_key_template),
        storage=storage,
        outage=outage,
        receipts=receipts,
        max_pixels=settings.max_image_pixels,
    )
    return Service(upload, threads=settings.upload_threads, heartbeat_file=settings.heartbeat_file)


def tell_health() -> int:
    try:
        problem = complaint(HealthSettings().heartbeat_file)
    except ValidationError as error:
        return fail(*sentences(error))
    if problem:
        return fail(problem, code=1)
    print("uploader: subscribed, and the bucket answers")
    return 0


def fail(*problems: str, code: int = WRONG_SETTING) -> int:
    for problem in problems:
        print(f"uploader: {problem}", file=sys.stderr)
    return code


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
