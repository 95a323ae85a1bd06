"""`digest subscribers import` and `export`: people come from another tool, or go to one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.options import Config, Json, Newsletter, Now, application
from digest.cli.output import print_json, warn

if TYPE_CHECKING:
    from digest.audience.elsewhere.reading import How


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
    from digest.cli.import_report import as_data, say_report
    from digest.cli.progress import draining, rows_progress

    how = _how(format_name, status, topics_from or [], mapping or [], confirmed=confirmed)
    with (
        application(config, now) as app,
        draining(app.stop),
        rejecting(rejects or _beside(file), file, wanted=not dry_run) as bad,
    ):
        found = app.the_newsletter(newsletter)
        with rows_progress("importing", as_json) as on_progress:
            report = take_in(app, file, found, how, dry_run=dry_run, on_progress=on_progress, on_bad=None if dry_run else bad.add)
        written = bad.path if bad.many else None
    if as_json:
        print_json(as_data(report, written, dry_run=dry_run))
    else:
        say_report(report, written, dry_run=dry_run)
    raise typer.Exit(1 if report.bad or report.interrupted else 0)


def _beside(file: Path) -> Path:
    """Where its bad rows go; those of a pipe, such as /dev/stdin, here."""
    name = f"{file.name}.rejects.csv"
    return file.with_name(name) if file.is_file() or not file.exists() else Path(name)


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
