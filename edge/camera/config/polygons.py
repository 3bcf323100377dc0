"""MASKS as polygons."""

MIN_CORNERS = 3

Point = tuple[float, float]  # shares of the frame's width and height, 0 to 1
Polygon = tuple[Point, ...]


def parse_polygons(text: str) -> tuple[Polygon, ...]:
    """Read polygons such as `0,0:0.3,0:0.3,1:0,1`, with `;` between them; raises ValueError."""
    return tuple(_polygon(words) for words in text.split(";") if words.strip())


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
