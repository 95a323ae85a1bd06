"""`digest status`: how everything stands, once or as a live view."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli.options import Config, Json, Now, application
from digest.cli.output import print_json, say, table
from digest.errors import UsageError

if TYPE_CHECKING:
    from digest.app import App
    from digest.app.status import Queue, Status

Section = tuple[Sequence[str], Sequence[Sequence[object]]]


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(status)


def status(
    watch: Annotated[bool, typer.Option("--watch", help="Draw it anew every few seconds, until Ctrl-C.")] = False,
    every: Annotated[float, typer.Option("--every", metavar="SECONDS", help="How often, with --watch.", min=0.5)] = 2.0,
    config: Config = None,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """What comes next, what is under way, what waits, and what wants a person; 3 where something does, 1 where something is in trouble."""
    from digest.app.status import status as look

    if watch and (as_json or not sys.stdout.isatty()):
        raise UsageError("--watch draws on a terminal; without one, or as JSON, ask once and again")
    with application(config, now) as app:
        found = _watch(app, every, moving=now is None) if watch else look(app)
    if as_json:
        print_json(asdict(found) | {"exit_code": int(found.well)})
    elif not watch:
        _print(found)
    if found.well:
        raise typer.Exit(int(found.well))


def _watch(app: App, every: float, *, moving: bool) -> Status:
    """Until somebody has seen enough; returns what was seen last."""
    from dataclasses import replace

    from rich.live import Live

    from digest.app.status import status as look
    from digest.cli.progress import draining

    found = look(app)
    with draining(app.stop), Live(_drawn(found), auto_refresh=False, screen=True) as live:
        while not app.stop.wait(every):
            found = look(replace(app, now=datetime.now(UTC)) if moving else app)
            live.update(_drawn(found), refresh=True)
    _print(found)
    return found


def _print(found: Status) -> None:
    for line in _words(found):
        say(line)
    for headings, rows in _sections(found):
        say()
        table(headings, rows)


def _drawn(found: Status) -> Any:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    parts: list[Any] = [Text(f"digest status, {found.at:%Y-%m-%d %H:%M:%S} UTC", style="bold")]
    parts += [Text(line, style="red" if found.well else "") for line in _words(found)]
    for headings, rows in _sections(found):
        drawn = Table(*headings, box=None, header_style="dim", pad_edge=False)
        for row in rows:
            drawn.add_row(*("" if cell is None else Text(_plain(str(cell))) for cell in row))
        parts += [Text(), drawn]
    return Group(*parts)


def _plain(text: str) -> str:
    return "".join(one if one.isprintable() else "�" for one in text)


def _words(found: Status) -> Iterator[str]:
    """What wants a person first; how it goes by itself after that."""
    for one in (found.halted, found.unconfirmed):
        if one is not None:
            yield one
    yield from (f"{one.what} {one.why}" for one in found.wanting if found.halted is None or one.issue is not None)
    ran = found.last_run
    if ran is None:
        yield "no run has ended yet"
    else:
        wants = "" if ran.well else "; something of it wants a person"
        yield f"the last run ended {_ago(found.at, ran.ended_at)} ago{wants}"
    yield f"{_queue('letters', found.letters, found.at)}; {_queue('reports', found.reports, found.at)}"


def _queue(what: str, queue: Queue, at: datetime) -> str:
    since = "" if queue.oldest is None else f", the oldest for {_ago(at, queue.oldest)}"
    faulty = f", {queue.faulty:,} could not be read" if queue.faulty else ""
    return f"{queue.waiting:,} {what} wait{since}{faulty}" if queue.waiting or faulty else f"no {what} wait"


def _ago(at: datetime, since: datetime) -> str:
    seconds = max(0, int((at - since).total_seconds()))
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} seconds"


def _sections(found: Status) -> Iterator[Section]:
    yield (
        ("next", "when", "issue", "articles", "subscribers"),
        [
            (
                f"{one.newsletter} ({one.frequency})",
                f"{one.when} ({one.zone})",
                None if one.issue is None else f"{one.issue} {one.state}",
                one.articles,
                None if one.subscribers is None else f"{one.subscribers:,}",
            )
            for one in found.coming
        ],
    )
    if found.open:
        yield (
            ("open", "state", "audience", "unsent", "a second", "account"),
            [
                (
                    one.issue,
                    one.state,
                    None if one.audience is None else f"{one.audience:,}",
                    f"{one.unsent:,}",
                    one.a_second or None,
                    ", ".join(f"{count:,} {state}" for state, count in one.account.items()),
                )
                for one in found.open
            ],
        )
    yield (
        ("source", "read", "trouble"),
        [
            (one.source, "not yet" if one.read_at is None else f"{_ago(found.at, one.read_at)} ago", one.error)
            for one in found.sources
        ],
    )
