"""What the page shows and may do."""

from dataclasses import dataclass
from datetime import timedelta

from gallery.catalog.catalog import Album
from gallery.catalog.metadata import Facts
from gallery.catalog.visits import Visits
from gallery.cost import Cost, Prices
from gallery.settings import Settings
from gallery.thumbnails import Thumbnails
from gallery.updates.receipt_feed import Arrivals
from storage.client import create_client
from storage.key_parser import Layout
from storage.reader import Bucket

MEGABYTE = 1_000_000
MOST_DAYS = 7  # for which a thumbnail is kept: its picture may be deleted by whoever sees to the bucket


@dataclass(frozen=True, slots=True)
class Parts:
    """All of one gallery."""

    settings: Settings
    layout: Layout
    bucket: Bucket
    album: Album
    facts: Facts
    visits: Visits
    thumbnails: Thumbnails
    cost: Cost
    arrivals: Arrivals

    @property
    def may_delete(self) -> bool:
        return self.settings.gallery_delete == "on"


def parts(settings: Settings) -> Parts:
    """Make them; nothing is asked of S3 or the broker yet."""
    layout = Layout(settings.s3_key_template)
    bucket = Bucket(lambda: create_client(settings), settings.s3_bucket)
    facts = Facts(bucket)
    max_age = timedelta(days=min(settings.s3_retention_days or MOST_DAYS, MOST_DAYS))
    thumbnails = Thumbnails(bucket, settings.gallery_cache, settings.gallery_cache_mb * MEGABYTE, max_age)
    album = Album(bucket, layout, facts, thumbnails.drop)
    prices = Prices(settings.price_per_1000_puts, settings.price_per_gb_month)
    cost = Cost(album, prices, by_day=layout.by_day)

    def arrived(edge: str, key: str) -> None:
        bucket.appeared(key)
        album.forget(key)
        cost.stored(edge)

    return Parts(
        settings=settings,
        layout=layout,
        bucket=bucket,
        album=album,
        facts=facts,
        visits=Visits(album, facts),
        thumbnails=thumbnails,
        cost=cost,
        arrivals=Arrivals(settings.cloud_broker_host, settings.cloud_broker_port, arrived),
    )
