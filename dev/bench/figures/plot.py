"""Small plots as SVG text: bars with their spread, and curves."""

from collections.abc import Mapping, Sequence
from html import escape
from math import log10

from dev.bench.figures.measure import Figure, number

WIDTH = 640
LABELS = 190
BAR = 22
COLOURS = ("#2b6cb0", "#dd6b20", "#38a169", "#805ad5")
STYLE = "text{font:12px sans-serif;fill:#444}.t{font-weight:bold}line,polyline{fill:none}"


def bars(title: str, unit: str, groups: Mapping[str, Mapping[str, Figure]]) -> str:
    """Horizontal bars, one group below the other; a thin line shows the spread."""
    longest = max(max(figure.values) for group in groups.values() for figure in group.values())
    scale = (WIDTH - LABELS - 90) / longest
    parts = [_text(8, 18, f"{title} ({unit})", "t")]
    y = 34
    for name, group in groups.items():
        parts.append(_text(8, y + 12, name, "t"))
        y += 20
        for index, (label, figure) in enumerate(group.items()):
            parts += _bar(y, label, figure, scale, COLOURS[0] if index == 0 else "#a0aec0")
            y += BAR
        y += 6
    return _svg(y, parts)


def curves(title: str, across: str, up: str, lines: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Lines over a logarithmic axis."""
    height, left, bottom, top = 300, 60, 260, 40
    points = [point for line in lines.values() for point in line]
    least, most = log10(min(x for x, _ in points)), log10(max(x for x, _ in points))
    highest = max(y for _, y in points) * 1.05

    def place(x: float, y: float) -> tuple[float, float]:
        share = (log10(x) - least) / (most - least or 1)
        return left + share * (WIDTH - left - 150), bottom - y / highest * (bottom - top)

    parts = [_text(8, 18, f"{title}: {up} over {across}", "t")]
    parts += [_text(place(x, 0)[0] - 8, bottom + 18, number(x)) for x in sorted({x for x, _ in points})]
    for y in (0, highest / 2.1, highest / 1.05):
        parts.append(_text(4, place(10**least, y)[1] + 4, number(y)))
        parts.append(_line(left, place(10**least, y)[1], WIDTH - 150, place(10**least, y)[1], "#e2e8f0"))
    for (name, line), colour in zip(lines.items(), COLOURS, strict=False):
        path = " ".join(f"{x:.0f},{y:.0f}" for x, y in (place(*point) for point in line))
        parts.append(f'<polyline points="{path}" stroke="{colour}" stroke-width="2"/>')
        x, y = place(*line[-1])
        parts.append(_text(x + 6, y + 4, name))
    return _svg(height, parts)


def _bar(y: int, label: str, figure: Figure, scale: float, colour: str) -> list[str]:
    middle = y + BAR / 2 - 2
    least, most = min(figure.values) * scale, max(figure.values) * scale
    return [
        _text(16, y + 13, label),
        f'<rect x="{LABELS}" y="{y}" width="{figure.median * scale:.1f}" height="{BAR - 6}" fill="{colour}"/>',
        _line(LABELS + least, middle, LABELS + most, middle, "#222"),
        _text(LABELS + most + 6, y + 13, number(figure.median)),
    ]


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def _text(x: float, y: float, text: str, style: str = "") -> str:
    chosen = f' class="{style}"' if style else ""
    return f'<text x="{x:.0f}" y="{y:.0f}"{chosen}>{escape(text)}</text>'


def _svg(height: float, parts: list[str]) -> str:
    size = f'width="{WIDTH}" height="{height:.0f}" viewBox="0 0 {WIDTH} {height:.0f}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>{STYLE}</style>'
    return "\n".join([head, f'<rect width="{WIDTH}" height="{height:.0f}" fill="#fff"/>', *parts, "</svg>", ""])
