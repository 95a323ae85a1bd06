"""`digest articles cover`: what readers have had already, from another tool."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.options import Config, Json, Now, actor, application, day
from digest.cli.output import print_json, say, warn

if TYPE_CHECKING:
    from digest.app import App
    from digest.app.covering import Covered


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(cover)


def cover(
    before: Annotated[
        str | None, typer.Option("--before", metavar="DATE", help="Every article that came out before this day or time.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", metavar="LIST", help="An article a line (its URL or id), or CSV with the columns article and email."
        ),
    ] = None,
    subscriber: Annotated[
        str | None, typer.Option("--subscriber", metavar="EMAIL", help="Only this reader; by default everybody.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would do, and write nothing down.")] = False,
    config: Config = None,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Say that readers have had articles already, from another tool: they are never sent to them. There is no way back."""
    from digest.errors import UsageError

    if (before is None) == (file is None):
        raise UsageError("say which articles: either --before DATE or --file LIST")
    with application(config, now) as application_:
        covered = _cover(application_, before, file, subscriber, dry_run=dry_run)
    if as_json:
        bad = [{"line": one.line, "reason": one.reason} for one in covered.bad]
        counts = {name: getattr(covered, name) for name in ("articles", "readers", "new", "known")}
        print_json(counts | {"dry_run": dry_run, "bad_lines": bad})
    else:
        _say(covered, dry_run=dry_run)
    raise typer.Exit(1 if covered.bad else 0)


def _cover(app: App, before: str | None, file: Path | None, subscriber: str | None, *, dry_run: bool) -> Covered:
    from zoneinfo import ZoneInfo

    from digest.app.covering import cover_before, cover_list
    from digest.audience.text_file import reading_lines
    from digest.errors import UsageError

    if before is not None:
        zone = ZoneInfo(app.settings.newsletters[0].timezone)
        return cover_before(app, day(before, zone, "--before"), subscriber, actor=actor(), dry_run=dry_run)
    if file is None:
        raise UsageError("say which articles: either --before DATE or --file LIST")
    with reading_lines(file) as lines:
        try:
            return cover_list(app, lines, subscriber, actor=actor(), dry_run=dry_run)
        except UsageError as error:
            raise UsageError(f"{file}: {error}") from None


def _say(covered: Covered, *, dry_run: bool) -> None:
    whom = "everybody" if covered.readers is None else f"{covered.readers:,} reader{'' if covered.readers == 1 else 's'}"
    articles = f"{covered.articles:,} article{'' if covered.articles == 1 else 's'}"
    done = "would be written down" if dry_run else "written down"
    say(f"had already by {whom}: {articles}, {covered.new:,} {done}, {covered.known:,} known before")
    for bad in covered.bad[:20]:
        warn(f"line {bad.line}: {bad.reason}")
    if len(covered.bad) > 20:
        warn(f"and {len(covered.bad) - 20:,} more bad lines; --json lists all")
