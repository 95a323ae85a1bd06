"""`digest subscribers import` and `export`: people come from another tool, or go to one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli.options import Config, Json, Newsletter, Now, application
from digest.cli.output import print_json, say, warn

if TYPE_CHECKING:
    from digest.audience.elsewhere.reading import How, Understood
    from digest.audience.importing import ImportReport

_COUNTS = ("rows", "added", "updated", "unchanged", "kept_away", "shut", "left_out", "bad", "suppressed")
_TOLD = 20


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("import")(import_file)
    app.command()(export)


def import_file(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="CSV: email,name,topics,frequency,timezone,language,confirmed; or another tool's export, CSV or ZIP.",
        ),
    ],
    newsletter: Newsletter = None,
    format_name: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="digest, mailchimp, sendgrid, listmonk, ghost, buttondown, substack or sendgrid-suppressions; by default told by the columns.",
        ),
    ] = None,
    status: Annotated[
        str | None,
        typer.Option("--status", metavar="STATUS", help="What everybody in the file is: unsubscribed, bounced or complained."),
    ] = None,
    confirmed: Annotated[
        bool,
        typer.Option(
            "--confirmed", help="They have agreed, and you can show it: of those of whom the tool does not say whether."
        ),
    ] = False,
    topics_from: Annotated[
        list[str] | None,
        typer.Option("--topics-from", metavar="COLUMN", help="A column that holds tags, lists or groups; may be repeated."),
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="TAG=TOPIC",
            help="The topic that a tag is; * for all, nothing for none. May be repeated; equal names need none.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what was understood and what it would do, and change nothing.")
    ] = False,
    rejects: Annotated[
        Path | None,
        typer.Option("--rejects", metavar="FILE", help="Where bad rows go, with line and reason; by default FILE.rejects.csv."),
    ] = None,
    config: Config = None,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Take people in from a file of ours or of another tool; a bad row stops only itself. To be run again when it was interrupted."""
    from digest.app.importing import import_file as take_in
    from digest.audience.rejects import rejecting
    from digest.cli.progress import draining, rows_progress

    how = _how(format_name, status, topics_from or [], mapping or [], confirmed=confirmed)
    with (
        application(config, now) as app,
        draining(app.stop),
        rejecting(rejects or file.with_name(f"{file.name}.rejects.csv"), file, wanted=not dry_run) as bad,
    ):
        found = app.the_newsletter(newsletter)
        with rows_progress("importing", as_json) as on_progress:
            report = take_in(app, file, found, how, dry_run=dry_run, on_progress=on_progress, on_bad=None if dry_run else bad.add)
        written = bad.path if bad.many else None
    if as_json:
        print_json(_as_data(report, written, dry_run=dry_run))
    else:
        _say(report, written, dry_run=dry_run)
    raise typer.Exit(1 if report.bad or report.interrupted else 0)


def _how(format_name: str | None, status: str | None, topics_from: list[str], mapping: list[str], *, confirmed: bool) -> How:
    from digest.audience.elsewhere.formats import OWN, named
    from digest.audience.elsewhere.reading import How
    from digest.audience.elsewhere.standing import Standing
    from digest.audience.elsewhere.tags import read_mapping
    from digest.errors import UsageError

    allowed = (Standing.UNSUBSCRIBED, Standing.BOUNCED, Standing.COMPLAINED)
    if status is not None and status not in allowed:
        raise UsageError(f"--status: {status!r} is none of {', '.join(allowed)}; who may be mailed is told by the file")
    name = None if format_name is None else format_name.lower()
    if name is not None and name != OWN:
        name = named(name).name
    return How(
        format=name,
        status=None if status is None else Standing(status),
        confirmed=confirmed,
        topics_from=tuple(topics_from),
        mapping=read_mapping(mapping),
    )


def _as_data(report: ImportReport, rejects: Path | None, *, dry_run: bool) -> dict[str, Any]:
    counts = {name: getattr(report, name) for name in (*_COUNTS, "newly_shut", "shut_here", "shut_by_reason")}
    bad = [{"line": bad.line, "reason": bad.reason} | ({"file": bad.file} if bad.file else {}) for bad in report.bad_rows]
    return counts | {
        "dry_run": dry_run,
        "interrupted": report.interrupted,
        "rejects": None if rejects is None else str(rejects),
        "files": [_file_as_data(one) for one in report.files],
        "passed_over": report.passed_over,
        "bad_rows": bad,
    }


def _file_as_data(one: Understood) -> dict[str, Any]:
    return {
        "file": one.file,
        "format": one.format,
        "encoding": one.encoding,
        "delimiter": one.delimiter,
        "columns": one.used,
        "unused_columns": one.unused,
        "statuses": [{"told": key.told, "means": key.standing, "rows": many} for key, many in one.statuses.most_common()],
        "tags": [
            {"tag": tag, "topic": one.topics.get(tag.casefold()) or None, "rows": many} for tag, many in one.tags.most_common()
        ],
        "everything": one.everything,
    }


def _say(report: ImportReport, rejects: Path | None, *, dry_run: bool) -> None:
    from digest.audience.elsewhere.formats import OWN

    for one in report.files:
        if dry_run or one.format != OWN:
            _say_understood(one)
    for line in report.passed_over:
        warn(f"passed over {line}")
    counts = (f"{getattr(report, name):,} {name.replace('_', ' ')}" for name in _COUNTS if name not in {"shut", "left_out"})
    say(("a dry run, nothing was changed; it would be: " if dry_run else "") + ", ".join(counts))
    if report.shut or report.left_out:
        reasons = ", ".join(f"{many:,} {reason}" for reason, many in report.shut_by_reason.items()) or "nobody"
        say(
            f"must not be mailed: {reasons} ({report.newly_shut:,} newly suppressed); {report.left_out:,} left out, who never agreed"
        )
    if report.shut_here:
        warn(f"{report.shut_here:,} of those who must not be mailed have a subscription here, which is not served any more")
    for bad in report.bad_rows[:_TOLD]:
        warn(f"{f'{bad.file}, ' if bad.file and len(report.files) > 1 else ''}line {bad.line}: {bad.reason}")
    if report.bad > _TOLD:
        warn(f"and {report.bad - _TOLD:,} more bad rows" + ("" if rejects else "; --json lists the first thousand"))
    if rejects is not None:
        warn(f"all {report.bad:,} bad rows stand in {rejects}")
    if report.interrupted:
        warn(f"ended after {report.rows:,} rows; run the same again, and it goes on: what was done is found unchanged")


def _say_understood(one: Understood) -> None:
    between = {",": "commas", ";": "semicolons", "\t": "tabs"}[one.delimiter]
    say(f"{one.file}: {one.format}, {one.encoding}, cells between {between}")
    say("  columns: " + ", ".join(f"{column} ({meaning})" for column, meaning in one.used.items()))
    if one.unused:
        say(f"  not used: {', '.join(one.unused)}")
    for judged, many in one.statuses.most_common():
        say(f"  {many:,} × {judged.told}: {_MEANS.get(judged.standing, judged.standing)}")
    for tag, many in one.tags.most_common(_TOLD):
        topic = one.topics.get(tag.casefold())
        say(f"  {many:,} × tag {tag}: " + (f"topic {topic}" if topic else "no topic"))
    if len(one.tags) > _TOLD:
        say(f"  and {len(one.tags) - _TOLD:,} more tags; --json lists them")
    if one.everything:
        say(f"  {one.everything:,} have no tag that is a topic: new ones follow everything")


_MEANS = {
    "unsaid": "unconfirmed, as it does not say whether they agreed (--confirmed: you can show it)",
    "unsubscribed": "unsubscribed, suppressed for this newsletter",
    "bounced": "bounced, suppressed for everything",
    "complained": "complained, suppressed for everything",
    "blocklisted": "blocklisted, suppressed for everything",
}


def export(
    newsletter: Newsletter = None,
    format_name: Annotated[
        str,
        typer.Option(
            "--format", metavar="NAME", help="csv, in the form that `import` reads, or json: everything, a line a person."
        ),
    ] = "csv",
    suppressions: Annotated[
        bool, typer.Option("--suppressions", help="Who must not be mailed: of CSV instead of people, of json besides.")
    ] = False,
    config: Config = None,
) -> None:
    """Everybody on standard output: as CSV that `import` reads, or as lines of JSON with all that is known of them."""
    from digest.audience.exporting import export_csv, export_suppressions
    from digest.audience.exporting_json import export_json
    from digest.errors import UsageError

    if format_name not in {"csv", "json"}:
        raise UsageError(f"--format: {format_name!r} is neither csv nor json")
    with application(config) as app:
        if format_name == "json":
            slug = None if newsletter is None else app.newsletter(newsletter).slug
            with app.store.reading() as connection:
                export_json(connection, slug, sys.stdout, suppressions=suppressions)
            return
        if suppressions:
            with app.store.reading() as connection:
                export_suppressions(connection, sys.stdout)
            return
        found = app.the_newsletter(newsletter)
        with app.store.reading() as connection:
            report = export_csv(connection, found.slug, sys.stdout)
    if report.unsubscribed or report.paused or report.suppressed:
        warn(
            f"left out: {report.unsubscribed:,} who unsubscribed, {report.paused:,} who paused,"
            f" {report.suppressed:,} who must not be mailed"
        )
