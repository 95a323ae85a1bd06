"""`digest simulate`: the issues that these rules would have made."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli.options import Config, Json, application
from digest.cli.output import print_json, say, table

if TYPE_CHECKING:
    from digest.app.simulating import Replayed
    from digest.insights.simulation import Simulated

First = Annotated[str, typer.Option("--from", metavar="DATE", help="The first day, such as 2026-01-01.")]
Last = Annotated[str, typer.Option("--to", metavar="DATE", help="The last day.")]
_COLUMNS = ("slot", "frequency", "issue", "arrived", "articles", "carried over", "waiting", "expired", "reached")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(simulate)


def simulate(
    newsletter: Annotated[str, typer.Argument(metavar="NEWSLETTER")],
    first: First,
    last: Last,
    against: Annotated[
        Path | None, typer.Option("--against", metavar="FILE", help="Compare with the rules of another configuration.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write a report with charts (HTML).")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Replay the catalogue slot by slot: the issues that these rules would have made. Nothing is changed."""
    from digest.app.simulating import day, replay

    begin, end = day("--from", first), day("--to", last)
    with application(config) as app:
        replayed = replay(app, newsletter, begin, end, against)
    if out is not None:
        _write(out, replayed, f"{begin} to {end}")
    if as_json:
        print_json(_data(replayed, begin, end))
        return
    _tell(replayed)
    if out is not None:
        say(f"charts and every value: {out}")


def _write(out: Path, replayed: Replayed, span: str) -> None:
    from digest.errors import UsageError
    from digest.insights.simulation_page import page

    written = page(replayed.newsletter.title, span, replayed.articles, replayed.ruled)
    try:
        out.write_text(written, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--out {out}: cannot be written: {error.strerror}") from None


def _data(replayed: Replayed, begin: date, end: date) -> dict[str, Any]:
    from digest.insights.simulation import totals

    runs = [
        {
            "rules": one.rules,
            "totals": totals(one.simulation),
            "starved": one.simulation.starved,
            "left_aside": one.simulation.left_aside,
            "slots": [asdict(slot) for slot in one.simulation.slots],
        }
        for one in replayed.ruled
    ]
    return {"newsletter": replayed.newsletter.slug, "from": begin, "to": end, "articles": replayed.articles, "runs": runs}


def _tell(replayed: Replayed) -> None:
    from digest.insights.simulation import totals

    for one in replayed.ruled:
        run, many = one.simulation, totals(one.simulation)
        said = ", ".join(f"{count:,} {name}" for name, count in many.items())
        say(f"{replayed.newsletter.slug}, {one.rules}: {said}")
        if run.nobody:
            say("  nobody is subscribed: this is what one reader who follows everything would get")
        if run.left_aside:
            say(f"  {run.left_aside:,} subscribers with rarer choices of topics were left aside")
        starved = ", ".join(f"{topic} {count}" for topic, count in run.starved.items() if count)
        if starved:
            say(f"  issues without a topic: {starved}")
        table(_COLUMNS, (_row(slot) for slot in run.slots))


def _row(slot: Simulated) -> tuple[object, ...]:
    if slot.skipped is not None:
        return slot.slot, slot.frequency, "", slot.fresh, slot.skipped
    reached = f"{slot.reached:,} of {slot.considered:,}"
    counts = (slot.fresh, slot.articles, slot.carried, slot.waiting, slot.expired)
    return (slot.slot, slot.frequency, slot.number, *counts, reached)
