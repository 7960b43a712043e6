"""Charts as pictures (SVG) without scripts, without addresses of other places, and the same for the same numbers. Pure."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pygal
from pygal.style import Style

# pygal leaves a finder of plugins behind that Python no longer knows how to ask, and that every later import meets.
sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__name__ != "PluginImportFixer"]

_WIDTH = 440
_FONT = 14  # at this width, a figure on a phone is about as large as the text around it
_FAMILY = (
    '"PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Source Han Sans SC", "WenQuanYi Micro Hei", sans-serif'
)
_COLOURS = ("#9b1b1e", "#6b8fb5")  # they differ in lightness, too: for print without colours
_LONGEST_LABEL = 11  # Chinese characters
_MOST_LABELS = 5  # of bars that stand
# pygal takes every character for this much of its size wide, and a Chinese one is as wide as it is high.
_ASSUMED = 0.6
_VALUES_AFTER_BARS = "inline:.text-overlay text.value { text-anchor: start; }"
_UNSEEN = ("script", "desc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The values of one colour, one for each label."""

    title: str
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A bar chart: bars lie, with their labels before them; `is_upright`: they stand, in a course of time."""

    name: str
    title: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    is_upright: bool = False

    @property
    def height(self) -> int:
        """In the units in which it is _WIDTH wide."""
        if self.is_upright:
            return 300
        legend = 40 if len(self.series) > 1 else 0
        return 44 + legend + len(self.labels) * (16 + 16 * len(self.series))

    @property
    def width(self) -> int:
        return _WIDTH


@lru_cache(maxsize=64)
def draw(chart: Chart) -> bytes:
    """The picture (SVG, UTF-8). What it says stands in the table beside it."""
    drawn = (_build_upright if chart.is_upright else _build_lying)(chart)
    # The name by which its style is told from that of other pictures is drawn by chance otherwise.
    drawn.uuid = chart.name
    drawn.add_xml_filter(_leave_out_unseen)
    picture: bytes = drawn.render(disable_xml_declaration=False)
    return picture


def _build_upright(chart: Chart) -> Any:
    every = -(-len(chart.labels) // _MOST_LABELS)
    drawn = pygal.Bar(
        **_common(chart),
        show_minor_x_labels=False,
        show_minor_y_labels=True,
        x_label_rotation=0,
        x_labels_major=chart.labels[::-1][::every],
        margin_right=24,
        spacing=4,
    )
    drawn.x_labels = chart.labels
    _fill(drawn, chart)
    return drawn


def _build_lying(chart: Chart) -> Any:
    # Bars that lie are drawn from below.
    labels = [_shorten(label) for label in reversed(chart.labels)]
    missing = max(sum(not character.isascii() for character in label) for label in labels) * (1 - _ASSUMED)
    drawn = pygal.HorizontalBar(
        **_common(chart),
        margin_left=round(missing * _FONT) + 8,
        margin_right=52,
        print_values=True,
        print_values_position="top",
        show_x_labels=False,
        show_x_guides=False,
        show_y_guides=False,
    )
    drawn.x_labels = labels
    _fill(drawn, chart)
    return drawn


def _common(chart: Chart) -> dict[str, Any]:
    return {
        "js": [],
        "css": ["file://style.css", "file://graph.css", _VALUES_AFTER_BARS],
        "width": chart.width,
        "height": chart.height,
        "explicit_size": True,
        "style": _STYLE,
        "show_legend": len(chart.series) > 1,
        "legend_at_bottom": True,
        "legend_at_bottom_columns": 2,
        "legend_box_size": 12,
        "margin": 8,
        "range": (0, max(1, *(value for one in chart.series for value in one.values))),
        "value_formatter": _format,
        "truncate_label": -1,
        "truncate_legend": -1,
        "rounded_bars": 0,
        "max_scale": 6,
        "no_data_text": "",
    }


def _fill(drawn: Any, chart: Chart) -> None:
    for one in chart.series:
        drawn.add(one.title, list(one.values) if chart.is_upright else list(reversed(one.values)))


def _format(value: float) -> str:
    return f"{value:,g}" if value != int(value) else f"{int(value):,}"


def _shorten(label: str) -> str:
    while _measure(label) > _LONGEST_LABEL:
        label = f"{label.removesuffix('…')[:-1]}…"
    return label


def _measure(label: str) -> float:
    """How wide a label is, in Chinese characters."""
    return sum(_ASSUMED if character.isascii() else 1 for character in label)


def _leave_out_unseen(root: Any) -> Any:
    """The picture without scripts, without the texts that scripts would show, and without comments, which tell the date."""
    for parent in list(root.iter()):
        for child in list(parent):
            if not isinstance(child.tag, str) or child.tag.rpartition("}")[2] in _UNSEEN:
                parent.remove(child)
    return root


_STYLE = Style(
    background="#ffffff",
    plot_background="#ffffff",
    foreground="#1a1a1a",
    foreground_strong="#1a1a1a",
    foreground_subtle="#d8d8d8",
    guide_stroke_color="#d0d0d0",
    major_guide_stroke_color="#d0d0d0",
    guide_stroke_dasharray="none",
    major_guide_stroke_dasharray="none",
    opacity="1",
    opacity_hover="1",
    transition="0s",
    colors=_COLOURS,
    font_family=_FAMILY,
    label_font_size=_FONT,
    major_label_font_size=_FONT,
    value_font_size=_FONT,
    value_colors=("#1a1a1a", "#1a1a1a"),
    legend_font_size=_FONT,
)
