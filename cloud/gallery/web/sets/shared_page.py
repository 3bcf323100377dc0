"""A page with several captures that whoever has its link can see for a while, without the gallery.

It lies in the bucket as an HTML file that holds a link to each picture. All links end at the same time.
"""

import html
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gallery.catalog.entry import CatalogEntry
from storage.errors import S3_ERRORS
from storage.keys.folders import SHARED_FOLDER
from storage.presign import PresignedUrl, Presigner
from storage.reader import ObjectReader

MAX_CLEANED = 1000
STYLE = """
:root { color-scheme: light dark; } body { font: 15px/1.45 system-ui, sans-serif; margin: 1.5rem; }
ol { list-style: none; padding: 0; display: grid; gap: 1rem; }
ol { grid-template-columns: repeat(auto-fill, minmax(14rem, 1fr)); }
img { width: 100%; aspect-ratio: 1; object-fit: contain; background: #8883; border-radius: .5rem; }
"""


@dataclass(frozen=True, slots=True)
class Heading:
    """What the page says above the pictures, in the language of whoever shares them."""

    language: str
    title: str


def share(
    reader: ObjectReader, presigner: Presigner, entries: Sequence[CatalogEntry], expires: timedelta, heading: Heading
) -> PresignedUrl:
    """Store the page and sign a link to it. Raises what boto3 raises."""
    links = [(entry, presigner.sign(entry.key, expires)) for entry in entries]
    ends = int(time.time() + expires.total_seconds())
    key = f"{SHARED_FOLDER}{ends}-{secrets.token_urlsafe(16)}.html"
    _clean(reader)
    reader.write(key, render(links, heading).encode(), "text/html; charset=utf-8")
    return presigner.sign(key, expires)


def render(links: Sequence[tuple[CatalogEntry, PresignedUrl]], heading: Heading) -> str:
    """The page; everything that somebody else wrote is escaped."""
    title = html.escape(heading.title)
    items = "".join(_item(entry, link.url) for entry, link in links)
    return (
        f'<!doctype html><html lang="{html.escape(heading.language)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer"><meta name="robots" content="noindex">'
        f"<title>{title}</title><style>{STYLE}</style></head>"
        f"<body><main><h1>{title}</h1><ol>{items}</ol></main></body></html>\n"
    )


def _item(entry: CatalogEntry, url: str) -> str:
    at = f"{entry.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    caption = html.escape(" · ".join(text for text in (at, entry.edge, entry.camera) if text))
    address = html.escape(url)
    return f'<li><a href="{address}"><img src="{address}" alt="{caption}" loading="lazy"></a><br>{caption}</li>'


def _clean(reader: ObjectReader) -> None:
    """Delete pages whose links have ended; without the right to delete they stay, and nobody can open them."""
    now = datetime.now(UTC).timestamp()
    try:
        pages = [page.key for page in reader.list_objects(SHARED_FOLDER, MAX_CLEANED)]
        reader.delete([key for key in pages if _end(key) < now])
    except S3_ERRORS:
        return


def _end(key: str) -> float:
    end = key.removeprefix(SHARED_FOLDER).partition("-")[0]
    return int(end) if end.isdecimal() else float("inf")
