"""The chart: each figure as a multiple of its bar, on a scale of its own doublings; readable in light and dark."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

BARS: Mapping[str, tuple[str, float, bool]] = {
    "smtp_vs_smtp_source": ("SMTP beside smtp-source", 1.0, True),
    "smtp_full_vs_smtp_source": ("SMTP, every mark on disk", 0.95, True),
    "mime_vs_emailmessage": ("MIME beside EmailMessage", 300, True),
    "sendgrid_recipients_per_second": ("SendGrid, recipients/s", 25_000, True),
    "sendgrid_peak_mb": ("SendGrid, peak MB", 200, False),
    "growth_1e5_1e6": ("growth 100,000 to 1,000,000", 11, False),
    "plan_1e6_seconds": ("plan of 1,000,000, seconds", 6, False),
    "selection_1e5_ms": ("selection of 100,000, ms", 200, False),
    "help_seconds": ("digest --help, seconds", 0.3, False),
    "long_tail_requests_per_second": ("long tail, requests/s", 500, True),
    "desk_home_1e6_ms": ("desk, home, ms", 200, False),
    "desk_refresh_1e6_ms": ("desk, preview after a change, ms", 100, False),
    "webhook_events_per_second": ("events by webhook, /s", 5_000, True),
}
"""By key: what it is called, its bar, and whether more is better."""

_ROW, _LEFT, _WIDTH, _TOP = 30, 250, 760, 46
_DOUBLING = 70  # pixels
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2933 }
.bar { fill: #0b6e6e } .short { fill: #b3541e } .line { stroke: #7b8794; stroke-dasharray: 4 3 }
@media (prefers-color-scheme: dark) {
  text { fill: #e4e7eb } .bar { fill: #3fb8af } .short { fill: #f0995c } .line { stroke: #9aa5b1 }
}
"""


def chart(report: Mapping[str, Any]) -> str:
    """An SVG with one line for each figure that the report has."""
    rows = [(key, float(report[key])) for key in BARS if key in report]
    height = _TOP + _ROW * len(rows) + 14
    middle = _LEFT + 2 * _DOUBLING
    lines = "".join(_row(place, key, value, middle) for place, (key, value) in enumerate(rows))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">\n'
        f"<title>Each figure beside its bar; right of the line is better</title>\n<style>{_STYLE}</style>\n"
        f'<text x="{middle + 6}" y="22">the bar; each {_DOUBLING} px further right is twice as good</text>\n'
        f'<line class="line" x1="{middle}" y1="10" x2="{middle}" y2="{height - 8}"/>\n{lines}</svg>\n'
    )


def times_better(key: str, value: float) -> float:
    """How many times better than its bar a figure is; below 1 it falls short."""
    _, bar, more = BARS[key]
    return value / bar if more else bar / value


def _row(place: int, key: str, value: float, middle: int) -> str:
    times, top = times_better(key, value), _TOP + _ROW * place
    reach = max(-1.9, min(4.6, math.log2(times))) * _DOUBLING
    start, kind = (middle, "bar") if reach >= 0 else (middle + reach, "short")
    said = f"{value:,.0f}" if value >= 100 else f"{value:g}"
    return (
        f'<text x="{_LEFT - 8}" y="{top + 15}" text-anchor="end">{escape(BARS[key][0])}</text>'
        f'<rect class="{kind}" x="{start:.0f}" y="{top + 2}" width="{max(2, abs(reach)):.0f}" height="18" rx="2"/>'
        f'<text x="{max(middle, middle + reach) + 6:.0f}" y="{top + 15}">{said}</text>\n'
    )
