"""What a bench has to say: tables, plots and a few sentences; RESULTS.md is made of these."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dev.bench.figures.measure import Series

FOLDER = Path(__file__).resolve().parents[1]
RESULTS = FOLDER / "RESULTS.md"
HEAD = """# Results

Written by `dev/bench/run`; do not edit. Every figure is the median of runs that alternate between the contenders, with
the lowest and highest in brackets; ratios are taken run by run. What bounds them:
[docs/explanation/performance.md](../../docs/explanation/performance.md).
"""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under a heading of columns."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        """Write it as Markdown, readable in a terminal too."""
        cells = (self.columns, *self.rows)
        widths = [max(len(row[column]) for row in cells) for column in range(len(self.columns))]
        lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
        rule = "|".join("-" * (width + 2) for width in widths)
        return "\n".join([f"{self.caption}\n", f"| {lines[0]} |", f"|{rule}|", *(f"| {line} |" for line in lines[1:])])


@dataclass(frozen=True, slots=True)
class Report:
    """One bench's results."""

    name: str
    title: str
    tables: tuple[Table, ...]
    notes: tuple[str, ...] = ()
    plots: Mapping[str, str] = field(default_factory=dict)  # SVG by name

    def __str__(self) -> str:
        """Write its section of RESULTS.md, without the heading."""
        pictures = [f"![{name}](plots/{name}.svg)" for name in self.plots]
        notes = ["\n".join(f"- {note}" for note in self.notes)] if self.notes else []
        return "\n\n".join([*(str(table) for table in self.tables), *notes, *pictures])


def left_out(*compared: Series) -> tuple[str, ...]:
    """Say which contenders failed, and why."""
    notes = [f"{name} was left out: {why}." for series in compared for name, why in series.left_out.items()]
    return tuple(dict.fromkeys(notes))


def write(report: Report, measured: str) -> None:
    """Put a section in its place in RESULTS.md and its plots next to it."""
    text = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""
    sections = dict(re.findall(r"^## (\w+): (.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    sections[report.name] = f"{report.title}\n\n{measured}\n\n{report}\n"
    body = [f"## {name}: {section.strip()}\n" for name, section in sections.items()]
    RESULTS.write_text("\n".join([HEAD, *body]), encoding="utf-8")
    for name, svg in report.plots.items():
        (FOLDER / "plots").mkdir(exist_ok=True)
        (FOLDER / "plots" / f"{name}.svg").write_text(svg, encoding="utf-8")
