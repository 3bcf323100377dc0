"""MASKS as polygons."""

MIN_CORNERS = 3
MAX_POLYGONS, MAX_CORNERS = 100, 100  # that a page may send

Point = tuple[float, float]  # shares of the frame's width and height, 0 to 1
Polygon = tuple[Point, ...]


def parse_polygons(text: str) -> tuple[Polygon, ...]:
    """Read polygons such as `0,0:0.3,0:0.3,1:0,1`, with `;` between them; raises ValueError."""
    return tuple(_polygon(words) for words in text.split(";") if words.strip())


def polygons_of(lists: object) -> tuple[Polygon, ...]:
    """Read polygons as a page sends them, lists of corners with x and y; raises ValueError or TypeError."""
    if not isinstance(lists, list) or len(lists) > MAX_POLYGONS or any(len(corners) > MAX_CORNERS for corners in lists):
        raise ValueError(f"at most {MAX_POLYGONS} polygons with {MAX_CORNERS} corners each can be masked")
    texts = [":".join(f"{float(x)!r},{float(y)!r}" for x, y in corners) for corners in lists]
    return tuple(_polygon(text) for text in texts)


def valid_polygons(text: str) -> str:
    """Return a text that holds polygons, or none; raises ValueError."""
    parse_polygons(text)
    return text


def _polygon(words: str) -> Polygon:
    points = tuple(_point(word) for word in words.strip().split(":"))
    if len(points) < MIN_CORNERS:
        raise ValueError(f"{words} has fewer than {MIN_CORNERS} corners")
    return points


def _point(word: str) -> Point:
    x, y = (float(number) for number in word.split(","))
    if not (0 <= x <= 1 and 0 <= y <= 1):
        raise ValueError(f"{word} is not within the frame, 0 to 1")
    return x, y
