"""Pictures of the figures of benchmarks/search.py: SVG without a library, without a font of its own, on a white ground."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10
from typing import Any

Size = Mapping[str, Any]

_FONT = "font-family='Helvetica, Arial, sans-serif'"
_INK, _GREY, _LINE = "#1a1a1a", "#5a5a5a", "#d9d9d9"
# Told apart also by people who do not see red and green as different (Okabe and Ito).
_COLOURS = {
    "ours": "#0072b2",
    "box": "#56b4e9",
    "register": "#e69f00",
    "fts5": "#d55e00",
    "tantivy": "#009e73",
    "postgres": "#cc79a7",
    "whoosh": "#7a7a7a",
}
_KINDS = {
    "Q1": "Q1  exact personal name",
    "Q2": "Q2  four characters of a company name",
    "Q3": "Q3  full company name",
    "Q4": "Q4  case number",
    "Q5": "Q5  two words of the obligation",
    "Q6": "Q6  company words in a region, newest first",
    "Q7": "Q7  company name with a typing error",
}
_KIND_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#000000", "#e69f00", "#56b4e9")


@dataclass(frozen=True, slots=True)
class Scale:
    """A logarithmic scale of whole powers of ten between two places."""

    low: int
    high: int
    start: float
    stop: float

    @classmethod
    def around(cls, values: Iterable[float], start: float, stop: float) -> Scale:
        found = list(values)
        low, high = floor(log10(min(found))), ceil(log10(max(found)))
        return cls(low, max(high, low + 1), start, stop)

    def place(self, value: float) -> float:
        return self.start + (log10(value) - self.low) / (self.high - self.low) * (self.stop - self.start)

    def powers(self) -> Iterator[float]:
        return (10.0**power for power in range(self.low, self.high + 1))


def draw_comparison(size: Size, titles: Mapping[str, str]) -> str:
    """A panel for each kind of question: for each engine a bar from p50 to p95 of the second pass."""
    engines: Mapping[str, Any] = size["engines"]
    scale = Scale.around(
        (one["warm"][kind][p] for one in engines.values() for kind in _KINDS for p in ("p50", "p95")), 165, 405
    )
    panel_height = 52 + 22 * len(engines)
    parts = [
        _text(
            20,
            30,
            f"{size['entries']:,} entries: milliseconds until the first page and the exact total",
            17,
            weight="bold",
        ),
        _text(
            20,
            50,
            f"Dot: p50, bar end: p95, of {size['questions']} different questions a kind, second pass. Logarithmic; less is better.",
            12,
            _GREY,
        ),
    ]
    for number, (kind, title) in enumerate(_KINDS.items()):
        x, y = 20 + number % 2 * 490, 70 + number // 2 * panel_height
        took = {name: one["warm"][kind] for name, one in engines.items()}
        parts.append(f"<g transform='translate({x} {y})'>{_panel(title, took, titles, scale)}</g>")
    return _picture(1000, 80 + 4 * panel_height, parts)


def _panel(title: str, took: Mapping[str, Any], titles: Mapping[str, str], scale: Scale) -> str:
    bottom = 22 + 22 * len(took)
    parts = [_text(0, 12, title, 13, weight="bold"), *_grid(scale, 20, bottom)]
    for row, (name, figures) in enumerate(took.items()):
        y = 33 + 22 * row
        left, right = scale.place(figures["p50"]), scale.place(figures["p95"])
        colour = _COLOURS[name]
        parts += [
            _text(155, y + 4, titles[name], 12, anchor="end"),
            f"<line x1='{left:.1f}' x2='{right:.1f}' y1='{y}' y2='{y}' stroke='{colour}' stroke-width='5'/>",
            f"<circle cx='{left:.1f}' cy='{y}' r='6' fill='{colour}'/>",
            _text(right + 9, y + 4, f"{_short(figures['p50'])} – {_short(figures['p95'])}", 11, _GREY, halo=True),
        ]
    return "".join(parts)


def _grid(scale: Scale, top: float, bottom: float) -> Iterator[str]:
    for power in scale.powers():
        x = scale.place(power)
        yield f"<line x1='{x:.1f}' x2='{x:.1f}' y1='{top}' y2='{bottom}' stroke='{_LINE}'/>"
        yield _text(x, bottom + 13, _short(power), 10, _GREY, anchor="middle")


def draw_growth(sizes: Sequence[Size]) -> str:
    """How the time of our index grows with the list: a line a kind, p50 on the left and p95 on the right."""
    parts = [
        _text(20, 30, "How the time grows with the list (index of Gongshi, second pass)", 17, weight="bold"),
        _text(
            20,
            50,
            "Milliseconds by number of entries, both logarithmic. The dotted line grows as the list does.",
            12,
            _GREY,
        ),
    ]
    if not sizes:
        return _picture(1000, 70, parts)
    values = [size["engines"]["ours"]["warm"][kind][p] for size in sizes for kind in _KINDS for p in ("p50", "p95")]
    upright = Scale.around(values, 410, 90)
    across = Scale.around([size["entries"] for size in sizes], 60, 350)
    for x, percentile in ((0, "p50"), (400, "p95")):
        lines = _growth_panel(sizes, percentile, across, upright)
        parts.append(
            f"<g transform='translate({x} 0)'>{_text(60, 78, percentile, 13, weight='bold')}{''.join(lines)}</g>"
        )
    for number, title in enumerate(_KINDS.values()):
        y = 110 + 24 * number
        parts += [_mark(795, y, number), _text(808, y + 4, title[:4] + _WRAPPED[number], 11)]
    return _picture(1000, 450, parts)


_WRAPPED = (
    "personal name",
    "part of company name",
    "full company name",
    "case number",
    "two words of text",
    "region, newest first",
    "typing error",
)


def _growth_panel(sizes: Sequence[Size], percentile: str, across: Scale, upright: Scale) -> Iterator[str]:
    for power in upright.powers():
        y = upright.place(power)
        yield f"<line x1='60' x2='350' y1='{y:.1f}' y2='{y:.1f}' stroke='{_LINE}'/>"
        yield _text(52, y + 4, _short(power), 10, _GREY, anchor="end")
    for power in across.powers():
        yield _text(across.place(power), 428, f"{power:,.0f}", 10, _GREY, anchor="middle")
    yield _proportional(across, upright)
    for number, kind in enumerate(_KINDS):
        points = [
            (across.place(size["entries"]), upright.place(size["engines"]["ours"]["warm"][kind][percentile]))
            for size in sizes
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        yield f"<polyline points='{path}' fill='none' stroke='{_KIND_COLOURS[number]}' stroke-width='2'/>"
        yield from (_mark(x, y, number) for x, y in points)


def _proportional(across: Scale, upright: Scale) -> str:
    """From the lowest corner as far up as the panel goes."""
    powers = min(across.high - across.low, upright.high - upright.low)
    x, y = across.place(10.0 ** (across.low + powers)), upright.place(10.0 ** (upright.low + powers))
    start = f"x1='{across.start}' y1='{upright.start}'"
    return f"<line {start} x2='{x:.1f}' y2='{y:.1f}' stroke='{_GREY}' stroke-dasharray='2 4'/>"


def _mark(x: float, y: float, number: int) -> str:
    """A mark that tells the kinds apart without colour too."""
    shapes: tuple[Callable[[], str], ...] = (
        lambda: f"<circle cx='{x:.1f}' cy='{y:.1f}' r='5'",
        lambda: f"<rect x='{x - 4.5:.1f}' y='{y - 4.5:.1f}' width='9' height='9'",
        lambda: f"<path d='M{x:.1f} {y - 6:.1f}l6 10h-12z'",
        lambda: f"<path d='M{x:.1f} {y - 6:.1f}l6 6-6 6-6-6z'",
        lambda: f"<path d='M{x:.1f} {y + 6:.1f}l6-10h-12z'",
        lambda: f"<rect x='{x - 6:.1f}' y='{y - 2.5:.1f}' width='12' height='5'",
        lambda: f"<rect x='{x - 2.5:.1f}' y='{y - 6:.1f}' width='5' height='12'",
    )
    return f"{shapes[number]()} fill='{_KIND_COLOURS[number]}'/>"


def _short(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"


def _text(
    x: float,
    y: float,
    words: str,
    size: int,
    colour: str = _INK,
    *,
    anchor: str = "start",
    weight: str = "normal",
    halo: bool = False,
) -> str:
    around = " paint-order='stroke' stroke='#fff' stroke-width='3'" if halo else ""
    place = f"x='{x:.1f}' y='{y:.1f}' font-size='{size}' fill='{colour}'"
    return f"<text {place} text-anchor='{anchor}' font-weight='{weight}'{around}>{escape(words)}</text>"


def _picture(width: int, height: int, parts: Sequence[str]) -> str:
    head = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' role='img' {_FONT}>"
    return "\n".join([head, f"<rect width='{width}' height='{height}' fill='#fff'/>", *parts, "</svg>", ""])
