"""Draws a bar chart of one work as SVG: a bar for each contender, as long as its median rate.

Only text and rectangles, so that a diff of two charts shows what has changed. It knows numbers and names, not where they
come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, ROW, TOP, LABELS, VALUES = 760, 26, 34, 190, 130
# One colour for each role, apart also for those who see no red or no green, on white and on black.
COLOURS = {"limit": "#9aa0a6", "ours": "#1a73e8", "glue": "#b26a00", "peer": "#d0a24c"}


@dataclass(frozen=True)
class Bar:
    """One contender: its name, its role, its value, and how the value is written."""

    name: str
    role: str
    value: float
    shown: str


def draw(title: str, bars: Sequence[Bar]) -> str:
    """The chart, the longest bar first."""
    ordered = sorted(bars, key=lambda bar: -bar.value)
    longest = max((bar.value for bar in ordered), default=1) or 1
    height = TOP + ROW * len(ordered) + 8
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'font-family="system-ui, sans-serif" font-size="13" role="img">',
        f"<title>{escape(title)}</title>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        f'<text x="8" y="20" font-weight="bold" fill="#202124">{escape(title)}</text>',
    ]
    for index, bar in enumerate(ordered):
        lines += _bar(bar, TOP + ROW * index, longest)
    return "\n".join([*lines, "</svg>", ""])


def _bar(bar: Bar, top: int, longest: float) -> list[str]:
    """A name, a rectangle, a value."""
    length = max(1, round((WIDTH - LABELS - VALUES) * bar.value / longest))
    middle = top + ROW // 2 + 4
    return [
        f'<text x="{LABELS - 8}" y="{middle}" text-anchor="end" fill="#202124">{escape(bar.name)}</text>',
        f'<rect x="{LABELS}" y="{top + 4}" width="{length}" height="{ROW - 8}" fill="{COLOURS[bar.role]}"/>',
        f'<text x="{LABELS + length + 6}" y="{middle}" fill="#202124">{escape(bar.shown)}</text>',
    ]
