"""Charts of the desk: still, without a style of their own, named for who does not see them, and true to their values."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from digest.insights.graphs import level, ranked

WEEKS = [(date(2026, 6, 1) + timedelta(weeks=number), 1_000 + 40 * number) for number in range(26)]


def parts(svg: str, name: str) -> list[dict[str, str]]:
    return [dict(one.attrib) for one in ElementTree.fromstring(svg).iter(name)]


@pytest.mark.parametrize("svg", [level("Growth", WEEKS), ranked("Topics", [("Python & more", 30), ("<b>Ops</b>", 0)])])
def test_a_chart_is_named_and_leaves_colours_and_fonts_to_the_page(svg: str) -> None:
    (root,) = parts(svg, "svg")
    assert root["role"] == "img"
    assert root["aria-label"].startswith(("Growth: from 1,000 to 2,000", "Topics: most is Python & more, 30"))
    elements = list(ElementTree.fromstring(svg).iter())
    assert {one.tag for one in elements} <= {"svg", "g", "line", "text", "path", "rect"}
    looks = {"style", "font-family", "font-size", "stroke", "stroke-width"}
    assert not any(looks & set(one.attrib) or one.get("fill") not in (None, "none") for one in elements)


def test_a_line_goes_through_every_point_within_its_frame() -> None:
    (path,) = parts(level("Growth", WEEKS), "path")
    points = [tuple(map(float, one.split())) for one in path["d"].replace("M", "").split("L")]
    assert len(points) == len(WEEKS)
    steps = {round(after[0] - before[0], 0) for before, after in pairwise(points)}
    assert points[0][0] == 0
    assert len(steps) == 1
    assert all(after[1] < before[1] for before, after in pairwise(points))


def test_bars_are_as_long_as_their_values_and_none_is_lost_that_is_called_like_another() -> None:
    long = "A topic whose name is longer than there is room for"
    svg = ranked("Topics", [(f"{long}, and one", 40), (f"{long}, and two", 10), ("Ops", 0)])
    widths = sorted(float(one["width"]) for one in parts(svg, "rect"))
    assert widths[0] == 0
    assert widths[2] == pytest.approx(4 * widths[1], abs=1)


@pytest.mark.parametrize("points", [[(date(2026, 6, 1), 0)], [(date(2026, 6, 1), 5), (date(2026, 6, 8), 5)]])
def test_what_is_little_is_drawn_too(points: list[tuple[date, int]]) -> None:
    assert parts(level("Growth", points), "path")
