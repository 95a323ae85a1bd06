"""The report of a simulation: one page without a script, with its charts and every value beneath them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from jinja2 import Environment

from digest.insights.charts import Series, bars
from digest.insights.simulation import Simulated, Simulation, skips, totals

_CHARTS: tuple[tuple[str, str, Callable[[Simulated], int]], ...] = (
    ("Articles in the mail", "of somebody who follows everything", lambda one: one.articles),
    ("Carried over", "of those, had waited in an earlier issue", lambda one: one.carried),
    ("Waiting afterwards", "found no room and are owed", lambda one: one.waiting),
    ("Expired", "were owed for longer than carry_over allows", lambda one: one.expired),
    ("Subscribers reached", "got a mail", lambda one: one.reached),
)
NAMES = {
    "slots": "slots",
    "issues": "issues",
    "skipped": "skipped",
    "articles": "articles",
    "carried": "carried over",
    "expired": "expired",
    "mails": "mails",
}


@dataclass(frozen=True, slots=True)
class Ruled:
    """A simulation and the rules that made it, by the name of their file."""

    rules: str
    simulation: Simulation


def page(title: str, span: str, articles: int, ruled: Sequence[Ruled]) -> str:
    """The whole page; of two simulations the bars stand side by side."""
    source = files("digest.insights").joinpath("simulation.html").read_text(encoding="utf-8")
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(source)
    return template.render(
        title=title,
        span=span,
        articles=articles,
        names=NAMES,
        runs=[
            {"rules": one.rules, "totals": totals(one.simulation), "skips": list(skips(one.simulation)), "run": one.simulation}
            for one in ruled
        ],
        charts=charts(ruled),
        topics=_topics(ruled),
    )


def charts(ruled: Sequence[Ruled]) -> list[dict[str, Any]]:
    """Each chart: its `title`, its `meaning`, and the `svg`."""
    return [_chart(*chart, ruled) for chart in _CHARTS]


def _chart(title: str, meaning: str, value: Callable[[Simulated], int], ruled: Sequence[Ruled]) -> dict[str, Any]:
    slots = sorted({(one.slot, one.frequency) for run in ruled for one in run.simulation.slots})
    many = len({frequency for _, frequency in slots}) > 1
    labels = [slot[:10] + (f" {frequency}" if many else "") for slot, frequency in slots]
    series = []
    for number, run in enumerate(ruled):
        found = {(one.slot, one.frequency): value(one) for one in run.simulation.slots if one.skipped is None}
        series.append(Series(run.rules, f"series-{number}", [found.get(slot) for slot in slots]))
    return {"title": title, "meaning": meaning, "svg": bars(title, labels, series)}


def _topics(ruled: Sequence[Ruled]) -> list[dict[str, Any]]:
    names = dict.fromkeys(topic for run in ruled for topic in run.simulation.starved)
    return [
        {
            "topic": topic,
            "runs": [
                {
                    "articles": sum(one.topics.get(topic, 0) for one in run.simulation.issues),
                    "starved": run.simulation.starved.get(topic),
                    "issues": len(run.simulation.issues),
                }
                for run in ruled
            ],
        }
        for topic in names
    ]
