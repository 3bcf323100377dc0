"""The shots of one visit."""

from collections.abc import Sequence
from datetime import timedelta

from gallery.catalog.catalog import METADATA_BATCH, CaptureCatalog
from gallery.catalog.entry import CatalogEntry
from gallery.catalog.metadata import Metadata, MetadataCache

INITIAL_REACH = timedelta(minutes=65)  # more shots of a visit are searched that far around the known ones
MAX_REACH = timedelta(hours=24)
MAX_GAP = timedelta(minutes=3)
DWELL, MAX_DWELL_GAP = "dwell", timedelta(minutes=65)  # of somebody who stays, a camera takes a shot an hour, at last

Shot = tuple[CatalogEntry, Metadata]


class VisitFinder:
    """Finds visits by the metadata of the captures around one. Safe to use from several threads."""

    def __init__(self, catalog: CaptureCatalog, metadata: MetadataCache) -> None:
        self._catalog, self._metadata = catalog, metadata

    def shots_of(self, entry: CatalogEntry) -> list[Shot]:
        """All shots of an entry's visit, the first one first; only the entry itself if it belongs to no visit."""
        metadata = self._metadata.get(entry.key)
        (entry,) = self._metadata.with_metadata([entry])
        if not metadata.get("track"):
            return [(entry, metadata)]
        reach = INITIAL_REACH
        shots = self._shots((entry, metadata), reach)
        while reach < MAX_REACH and max(abs(shot.at - entry.at) for shot, _ in shots) > reach - INITIAL_REACH:
            reach *= 2
            shots = self._shots((entry, metadata), reach)
        return shots

    def _shots(self, shot: Shot, reach: timedelta) -> list[Shot]:
        """From the nearest on, until there is none for a while."""
        entry, _ = shot
        nearby = self._catalog.nearby(entry, reach)
        listed = next((other for other in nearby if other.key == entry.key), entry)  # with the time of the listing

        def distance(other: CatalogEntry) -> timedelta:
            return abs(other.at - listed.at)

        nearby.sort(key=distance)
        shots, farthest = {entry.key: shot}, timedelta()
        for first in range(0, len(nearby), METADATA_BATCH):
            batch = nearby[first : first + METADATA_BATCH]
            candidates = zip(batch, self._with_metadata(batch), strict=True)
            found = [(other, candidate) for other, candidate in candidates if _same_visit(candidate, shot)]
            shots |= {other.key: candidate for other, candidate in found}
            farthest = max([farthest, *(distance(other) for other, _ in found)])
            stayed = any(metadata.get("shot") == DWELL for _, metadata in shots.values())
            if not found and distance(batch[-1]) > farthest + (MAX_DWELL_GAP if stayed else MAX_GAP):
                break
        return sorted(shots.values(), key=lambda each: each[0].order)

    def _with_metadata(self, entries: Sequence[CatalogEntry]) -> list[Shot]:
        metadata = self._metadata.get_many(entries)
        return list(zip(self._metadata.with_metadata(entries), metadata, strict=True))


def _same_visit(candidate: Shot, shot: Shot) -> bool:
    (other, other_metadata), (entry, metadata) = candidate, shot
    same_camera = (other.edge, other.camera) == (entry.edge, entry.camera)
    return same_camera and other_metadata.get("track") == metadata["track"]
