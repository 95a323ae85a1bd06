"""Graphs: a line over weeks, and bars from the longest to the shortest, as still SVG that a page's own style sheet colours.

Leather draws them. What it says of colours and fonts is taken out, so that the page decides, in light and dark, and no policy has to
allow a style within.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from xml.etree import ElementTree

import leather
from leather import theme

from digest.insights.charts import round_up

_WIDTH, _HEIGHT = 560, 220
_BAR, _AROUND = 26, 44  # the height of a bar, and of what stands around all of them
_MARGIN = 20  # for the half of the last day that stands beyond the line
_LABEL = 26  # the longest label, in characters; the whole stands in the table beneath
_DATES = 6  # at most so many stand below a line
_LOOKS = ("fill", "stroke", "stroke-width", "font-family", "font-size")

theme.margin = 0.02
theme.tick_font_char_width, theme.tick_font_char_height = 7, 12


class _Exact(leather.Scale):  # type: ignore[misc]  # it has no types
    """From nought to the most and no further: Leather's own scales widen to what their ticks would be, and begin a time too late."""

    def __init__(self, most: int, marks: Sequence[int], words: Callable[[int], str]) -> None:
        self._most, self._marks, self._words = most, list(marks), words

    def contains(self, value: int) -> bool:
        """Whether it is within."""
        return 0 <= value <= self._most

    def project(self, value: int, start: float, end: float) -> float:
        """Where a value stands between the ends of the drawing."""
        return round(float(start) + (float(end) - float(start)) * value / max(self._most, 1), 1)

    def ticks(self) -> list[int]:
        """The values that are marked."""
        return self._marks

    def format_tick(self, value: int, *_: object) -> str:
        """What stands at one."""
        return self._words(value)


def level(name: str, points: Sequence[tuple[date, int]]) -> str:
    """A line of how many there were, from nought, with its days below."""
    top = round_up(max(many for _, many in points))
    last = len(points) - 1
    chart = leather.Chart()
    chart.add_line([(place, many) for place, (_, many) in enumerate(points)])
    dated = range(last, -1, -(len(points) // _DATES + 1))
    chart.set_x_scale(_Exact(last, dated, lambda place: f"{points[place][0]:%-d %b}"))
    chart.set_y_scale(_upwards(top))
    return _still(chart, f"{name}: from {points[0][1]:,} to {points[-1][1]:,}", _HEIGHT)


def ranked(name: str, bars: Sequence[tuple[str, int]]) -> str:
    """A bar for each, in their order from above; two that are called alike are told apart."""
    top = round_up(max(many for _, many in bars))
    labels = [_short(label, place, bars) for place, (label, _) in enumerate(bars)]
    chart = leather.Chart()
    chart.add_bars([(many, label) for label, (_, many) in zip(labels, bars, strict=True)])
    chart.set_x_scale(_upwards(top))
    return _still(chart, f"{name}: most is {bars[0][0]}, {bars[0][1]:,}", _AROUND + _BAR * len(bars))


def _short(label: str, place: int, bars: Sequence[tuple[str, int]]) -> str:
    cut = label if len(label) <= _LABEL else f"{label[: _LABEL - 1].rstrip()}…"
    alike = sum(1 for other, _ in bars[:place] if other[: _LABEL - 1] == label[: _LABEL - 1])
    return cut + f" ({alike + 1})" * bool(alike)


def _upwards(top: int) -> _Exact:
    return _Exact(top, (0, top // 2, top), "{:,}".format)


def _still(chart: leather.Chart, name: str, height: int) -> str:
    """The chart alone: without a background, and with a name for who does not see it."""
    drawn = chart.to_svg_group(_WIDTH, height)
    drawn.remove(drawn[0])
    for part in drawn.iter():
        for look in _LOOKS:
            if part.get(look) != "none":
                part.attrib.pop(look, None)
    svg = ElementTree.Element("svg", {"viewBox": f"0 0 {_WIDTH + _MARGIN} {height}", "role": "img", "aria-label": name})
    svg.append(drawn)
    return ElementTree.tostring(svg, encoding="unicode", short_empty_elements=False)
