"""The shots of one visit."""

from datetime import timedelta

from gallery.album import Album
from gallery.facts import Facts, Metadata
from gallery.picture import Picture

NEAR = timedelta(minutes=30)  # a visit's shots lie so close together
MOST_NEIGHBOURS = 60


class Visits:
    """Finds them by the metadata of the pictures around one. Safe to use from several threads."""

    def __init__(self, album: Album, facts: Facts) -> None:
        self._album, self._facts = album, facts

    def around(self, picture: Picture) -> list[tuple[Picture, Metadata]]:
        """All shots of the same visit, the first one first, with this one; alone where nothing ties them."""
        said = self._facts.of(picture.key)
        track = said.get("track")
        if not track:
            return [(picture, said)]
        near = self._neighbours(picture)
        known = zip(near, self._facts.of_each(near), strict=True)
        return sorted((shot for shot in known if shot[1].get("track") == track), key=lambda shot: shot[0].order)

    def _neighbours(self, picture: Picture) -> list[Picture]:
        def distance(other: Picture) -> timedelta:
            return abs(other.at - picture.at)

        same = [other for other in self._album.folder_of(picture.key) if other.camera == picture.camera]
        near = {other.key: other for other in same if other.edge == picture.edge and distance(other) <= NEAR}
        return sorted(({picture.key: picture} | near).values(), key=distance)[:MOST_NEIGHBOURS]
