"""The parts of one gallery, built from the storage upwards."""

from dataclasses import dataclass
from datetime import timedelta

from common.runtime.settings import SettingsError
from gallery.catalog.catalog import CaptureCatalog
from gallery.catalog.counts import VisitCounter
from gallery.catalog.metadata import MetadataCache
from gallery.catalog.stars import Stars
from gallery.catalog.visits import VisitFinder
from gallery.cost import CostEstimator, Prices
from gallery.fast_reader import FastReader
from gallery.fleet.fleet import Fleet
from gallery.fleet.json_state import JsonState
from gallery.fleet.notifications.notifier import Notifier, Thresholds
from gallery.fleet.notifications.quiet_hours import QuietHours
from gallery.fleet.notifications.sender import MessageSender
from gallery.fleet.notifications.services import Services
from gallery.fleet.notifications.visits import VisitNotifications
from gallery.fleet.status_feed import StatusFeed
from gallery.pictures.thumbnails import Thumbnails
from gallery.settings import Settings
from gallery.updates.broker import BrokerAccess
from gallery.updates.receipt_feed import ReceiptFeed
from storage.client import create_client
from storage.keys.parser import KeyParser
from storage.reader import ObjectReader

MEGABYTE = 1_000_000
MAX_THUMBNAIL_DAYS = 7  # whoever manages the bucket may delete the image of a thumbnail meanwhile


@dataclass(frozen=True, slots=True)
class GalleryContext:
    """What requests are answered with."""

    settings: Settings
    key_parser: KeyParser
    reader: ObjectReader
    catalog: CaptureCatalog
    metadata: MetadataCache
    visits: VisitFinder
    counter: VisitCounter
    stars: Stars
    thumbnails: Thumbnails
    cost: CostEstimator
    receipt_feed: ReceiptFeed
    fleet: Fleet
    notifier: Notifier | None  # None where NOTIFY_URLS is empty
    status_feed: StatusFeed

    @property
    def may_delete(self) -> bool:
        return self.settings.deletion_allowed


def build_context(settings: Settings) -> GalleryContext:
    """Build everything; nothing is requested from S3 or the broker yet."""
    key_parser = KeyParser(settings.s3_key_template)
    fast = FastReader.create(create_client(settings), settings)
    reader = ObjectReader(lambda: create_client(settings), settings.s3_bucket, fast)
    metadata = MetadataCache(reader)
    max_age = timedelta(days=min(settings.s3_retention_days or MAX_THUMBNAIL_DAYS, MAX_THUMBNAIL_DAYS))
    cache_bytes = settings.gallery_cache_mb * MEGABYTE
    thumbnails = Thumbnails(reader, settings.gallery_cache, cache_bytes, max_age, settings.max_image_pixels)
    catalog = CaptureCatalog(reader, key_parser, metadata, thumbnails)
    prices = Prices(settings.price_per_1000_puts, settings.price_per_gb_month)
    cost = CostEstimator(catalog, prices, by_day=key_parser.by_day)

    fleet = Fleet()
    notifier = build_notifier(settings, fleet, reader)
    address = BrokerAccess(settings.cloud_broker_host, settings.cloud_broker_port, settings.broker_login())
    feed = StatusFeed(address, fleet, JsonState(settings.gallery_state / "fleet.json"), notifier)

    return GalleryContext(
        settings=settings,
        key_parser=key_parser,
        reader=reader,
        catalog=catalog,
        metadata=metadata,
        visits=VisitFinder(catalog, metadata),
        counter=VisitCounter(catalog, metadata),
        stars=Stars(reader, catalog),
        thumbnails=thumbnails,
        cost=cost,
        receipt_feed=ReceiptFeed(address, _StoredRecorder(fleet, key_parser, reader, catalog, cost).record),
        fleet=fleet,
        notifier=notifier,
        status_feed=feed,
    )


@dataclass(frozen=True, slots=True)
class _StoredRecorder:
    """Everything that has to know of a capture that was stored."""

    fleet: Fleet
    key_parser: KeyParser
    reader: ObjectReader
    catalog: CaptureCatalog
    cost: CostEstimator

    def record(self, edge: str, key: str) -> None:
        self.fleet.record_stored(edge, key)
        if self.key_parser.parse(key) is None:
            return
        self.reader.invalidate(key)
        self.catalog.invalidate(key)
        self.cost.record_stored(edge)


def build_services(settings: Settings) -> Services:
    """Raises SettingsError."""
    try:
        return Services(settings.notify_urls.get_secret_value())
    except ValueError as error:
        raise SettingsError(str(error)) from error


def build_notifier(settings: Settings, fleet: Fleet, reader: ObjectReader) -> Notifier | None:
    """None where NOTIFY_URLS is empty; raises SettingsError."""
    if not settings.notify_urls.get_secret_value().strip():
        return None
    services = build_services(settings)
    quiet = QuietHours.parse(settings.notify_quiet_hours, settings.timezone)
    return Notifier(
        fleet,
        settings.certificates_file,
        JsonState(settings.gallery_state / "notifications.json"),
        MessageSender(services, reader, settings, settings.notify_picture),
        VisitNotifications(timedelta(minutes=settings.notify_cooldown_minutes), quiet),
        Thresholds(
            after=timedelta(minutes=settings.notify_after_minutes),
            backlog=settings.notify_backlog,
            visits=settings.notify_visits == "on",
        ),
    )
