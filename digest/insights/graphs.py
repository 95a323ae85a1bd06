"""Graphs: a line over weeks, and bars from the longest to the shortest, as still SVG that a page's own style sheet colours.

Leather draws them. What it says of colours and fonts is taken out, so that the page decides, in light and dark, and no policy has to
allow a style within.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from xml.etree import ElementTree

import leather
from leather import theme

from digest.insights.charts import round_up

_WIDTH, _HEIGHT = 560, 220
_BAR, _AROUND = 30, 44  # the height of a bar, and of what stands around all of them
_LABEL = 26  # the longest label, in characters; the whole stands in the table beneath
_DATES = 6  # at most so many stand below a line
_LOOKS = ("fill", "stroke", "stroke-width", "font-family", "font-size")
_NUMBER = re.compile(r"-?\d+\.\d+")

theme.margin = 0.02
theme.tick_font_char_width, theme.tick_font_char_height = 7, 12


def level(name: str, points: Sequence[tuple[date, int]]) -> str:
    """A line of how many there were, from nought, with its days below."""
    top = round_up(max(many for _, many in points))
    days = [day for day, _ in points]
    chart = leather.Chart()
    chart.add_line(list(points))
    chart.add_x_scale(days[0], days[-1])
    chart.add_y_scale(0, top)
    every = -(-len(days) // _DATES)
    chart.add_x_axis(ticks=days[::-1][::every][::-1], tick_formatter=lambda day, *_: f"{day:%-d %b}")
    chart.add_y_axis(ticks=[0, top // 2, top], tick_formatter=_thousands)
    return _still(chart, f"{name}: from {points[0][1]:,} to {points[-1][1]:,}", _HEIGHT)


def ranked(name: str, bars: Sequence[tuple[str, int]]) -> str:
    """A bar for each, in their order from above; two that are called alike are told apart."""
    top = round_up(max(many for _, many in bars))
    labels = [_short(label, place, bars) for place, (label, _) in enumerate(bars)]
    chart = leather.Chart()
    chart.add_bars([(many, label) for label, (_, many) in zip(labels, bars, strict=True)])
    chart.add_x_scale(0, top)
    chart.add_x_axis(ticks=[0, top // 2, top], tick_formatter=_thousands)
    return _still(chart, f"{name}: most is {bars[0][0]}, {bars[0][1]:,}", _AROUND + _BAR * len(bars))


def _short(label: str, place: int, bars: Sequence[tuple[str, int]]) -> str:
    cut = label if len(label) <= _LABEL else f"{label[: _LABEL - 1].rstrip()}…"
    alike = sum(1 for other, _ in bars[:place] if other[: _LABEL - 1] == label[: _LABEL - 1])
    return cut + f" ({alike + 1})" * bool(alike)


def _thousands(value: float, *_: object) -> str:
    return f"{int(value):,}"


def _still(chart: leather.Chart, name: str, height: int) -> str:
    """The chart alone: without a background, and with a name for who does not see it."""
    drawn = chart.to_svg_group(_WIDTH, height)
    drawn.remove(drawn[0])
    for part in drawn.iter():
        for look in _LOOKS:
            if part.get(look) != "none":
                part.attrib.pop(look, None)
        for key, value in part.attrib.items():
            part.set(key, _NUMBER.sub(lambda found: f"{float(found[0]):.1f}", value))
    svg = ElementTree.Element("svg", {"viewBox": f"0 0 {_WIDTH} {height}", "role": "img", "aria-label": name})
    svg.append(drawn)
    return ElementTree.tostring(svg, encoding="unicode", short_empty_elements=False)
