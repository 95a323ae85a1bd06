"""Charts: bars over slots, as SVG that a page's own colours reach, with a title on every bar for who points at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import escape

_WIDTH, _HEIGHT = 960, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 8, 12, 26
_LABELS = 8  # at most so many below the axis


@dataclass(frozen=True, slots=True)
class Series:
    """One value a slot; None where there is none. `style` is the class that colours it."""

    name: str
    style: str
    values: Sequence[int | None]


def bars(title: str, labels: Sequence[str], series: Sequence[Series]) -> str:
    """A chart with the bars of every series side by side at each label; every text in it is escaped."""
    top = round_up(max((value or 0 for one in series for value in one.values), default=0))
    marks = "".join(_grid(value, top) for value in dict.fromkeys((0, top // 2, top)))
    drawn = "".join(
        _bar(labels[place], place, len(labels), number, len(series), one, value, top)
        for number, one in enumerate(series)
        for place, value in enumerate(one.values)
        if value
    )
    text = f"{title}: {', '.join(_summary(one) for one in series)}"
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(text)}">{marks}{drawn}{_axis(labels)}</svg>'


def _bar(label: str, place: int, places: int, number: int, among: int, one: Series, value: int, top: int) -> str:
    step = (_WIDTH - _LEFT - _RIGHT) / max(places, 1)
    wide = max(step * 0.8 / among, 0.6)
    left = _LEFT + step * place + step * 0.1 + wide * number
    high = max((_HEIGHT - _TOP - _BOTTOM) * value / top, 1)
    down = _HEIGHT - _BOTTOM - high
    said = escape(f"{label} {one.name}: {value:,}")
    return f'<rect class="{one.style}" x="{left:.1f}" y="{down:.1f}" width="{wide:.1f}" height="{high:.1f}"><title>{said}</title></rect>'


def _grid(value: int, top: int) -> str:
    down = _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * value / top
    return (
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{down:.1f}" y2="{down:.1f}"/>'
        f'<text class="tick" x="{_LEFT - 6}" y="{down + 4:.1f}" text-anchor="end">{value:,}</text>'
    )


def _axis(labels: Sequence[str]) -> str:
    step = (_WIDTH - _LEFT - _RIGHT) / max(len(labels), 1)
    every = max(-(-len(labels) // _LABELS), 1)
    return "".join(
        f'<text class="tick" x="{_LEFT + step * (place + 0.5):.1f}" y="{_HEIGHT - 8}" text-anchor="middle">{escape(labels[place])}</text>'
        for place in range(0, len(labels), every)
    )


def _summary(one: Series) -> str:
    values = [value for value in one.values if value is not None]
    return f"{one.name} from {min(values):,} to {max(values):,}" if values else f"{one.name} has no values"


def round_up(value: int) -> int:
    """The next number that is easy to read, and even where it is not 1, so that its half is whole."""
    size = 1
    while True:
        for step in (2, 4, 10):
            if value <= step * size:
                return step * size
        size *= 10
