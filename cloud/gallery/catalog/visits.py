"""The shots of one visit."""

from collections.abc import Sequence
from datetime import timedelta

from gallery.catalog.catalog import Album
from gallery.catalog.entry import Picture
from gallery.catalog.metadata import Facts, Metadata

NEAR = timedelta(minutes=30)  # so far around a visit's shots it is looked for more of them
FURTHEST = timedelta(hours=24)
APART = timedelta(minutes=3)  # a camera takes a shot a minute of somebody who stays
ASKED = 60  # pictures whose metadata is asked for before it is decided whether to go on

Shot = tuple[Picture, Metadata]


class Visits:
    """Finds them by the metadata of the pictures around one. Safe to use from several threads."""

    def __init__(self, album: Album, facts: Facts) -> None:
        self._album, self._facts = album, facts

    def around(self, picture: Picture) -> list[Shot]:
        """All shots of the same visit, the first one first, with this one; alone where nothing ties them."""
        said = self._facts.of(picture.key)
        (picture,) = self._facts.completed([picture])
        if not said.get("track"):
            return [(picture, said)]
        reach = NEAR
        shots = self._shots(picture, said, reach)
        while reach < FURTHEST and max(abs(shot.at - picture.at) for shot, _ in shots) > reach - NEAR:
            reach *= 2
            shots = self._shots(picture, said, reach)
        return shots

    def _shots(self, picture: Picture, said: Metadata, reach: timedelta) -> list[Shot]:
        """From the nearest on, until there is none for a while."""
        near = self._album.near(picture, reach)
        listed = next((other for other in near if other.key == picture.key), picture)  # with the time of the list

        def distance(other: Picture) -> timedelta:
            return abs(other.at - listed.at)

        near.sort(key=distance)
        shots, last = {picture.key: (picture, said)}, timedelta()
        for first in range(0, len(near), ASKED):
            some = near[first : first + ASKED]
            known = zip(some, self._completed(some), strict=True)
            found = [(other, shot) for other, shot in known if _is_tied(shot, (picture, said))]
            shots |= {other.key: shot for other, shot in found}
            last = max([last, *(distance(other) for other, _ in found)])
            if not found and distance(some[-1]) > last + APART:
                break
        return sorted(shots.values(), key=lambda shot: shot[0].order)

    def _completed(self, pictures: Sequence[Picture]) -> list[Shot]:
        known = self._facts.of_each(pictures)
        return list(zip(self._facts.completed(pictures), known, strict=True))


def _is_tied(shot: Shot, to: Shot) -> bool:
    (picture, said), (other, told) = shot, to
    same_camera = (picture.edge, picture.camera) == (other.edge, other.camera)
    return same_camera and said.get("track") == told["track"]
