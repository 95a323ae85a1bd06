"""`digest demo`, `init` and `migrate`: a project from nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from digest.cli.options import Config, Json, Now, application, moment
from digest.cli.output import print_json, say


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(demo)
    app.command()(init)
    app.command()(migrate)


def demo(as_json: Json = False) -> None:
    """Run the whole job on the shipped sample as a dry run, into outbox/."""
    from digest.app.demonstrating import demonstrate
    from digest.cli.reports import send_report

    shown = demonstrate(Path.cwd() / "outbox")
    if as_json:
        print_json(send_report(shown.sent, shown.folder) | {"articles": shown.articles, "renditions": shown.renditions})
        return
    account = ", ".join(f"{count} {state}" for state, count in shown.sent.account.items() if count)
    say(f"{shown.articles} articles, {shown.sent.audience} subscribers, {shown.renditions} renditions: {account}")
    say("Nothing was sent. To see every rendition, open:")
    say(f"  {shown.folder / 'index.html'}")


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where; by default here.")] = Path(),
    now: Now = None,
) -> None:
    """Begin a new project: configuration, templates, sample articles, a secret key."""
    from datetime import UTC, datetime

    from digest.settings.project import init_project

    written = init_project(folder, moment(now) or datetime.now(UTC))
    for path in written:
        say(f"wrote {path}")
    say(f"Next: look at {folder / 'config/digest.toml'}, add somebody with")
    say("  digest subscribers add you@example.com --newsletter weekly --confirmed")
    say("and rehearse with `digest run --dry-run`.")


def migrate(
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Change nothing; end with 1 where the database, or the workers' queue, is of an older version, with 0 where not.",
        ),
    ] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Bring the database to this version's tables, and the workers' queue to those of procrastinate."""
    from digest.store.queue import migrate_queue, queue_behind

    with application(config, prepared=False) as app:
        if check:
            _check(app.store.outdated(), queue_behind(app.store, wanted=app.settings.delivery.engine == "workers"), as_json)
            return
        revision = app.store.migrate()
        queue = migrate_queue(app.store, wanted=app.settings.delivery.engine == "workers")
    if as_json:
        print_json({"revision": revision, "queue_migrations": queue})
    else:
        say(f"the database is at revision {revision}")
        if queue:
            say(f"the queue was brought on by {queue} of procrastinate's migrations")


def _check(outdated: str | None, behind: int | None, as_json: bool) -> None:
    """`behind` is how many migrations the queue lacks, 0 where there is none that is wanted; None where it is yet to be made."""
    from digest.store.migrations import HEAD

    needed = outdated is not None or behind != 0
    if as_json:
        print_json({"needed": needed, "revision": outdated or HEAD, "wanted": HEAD, "queue_migrations": behind})
    elif not needed:
        say(f"there is nothing to migrate: this Digest wants revision {HEAD}")
    if outdated is not None and not as_json:
        say(f"the database is at revision {outdated} and this Digest wants {HEAD}: `digest migrate` brings it there")
    if behind != 0 and not as_json:
        lacks = "is not there yet" if behind is None else f"lacks {behind} of procrastinate's migrations"
        say(f"the workers' queue {lacks}: `digest migrate` sees to that, with the workers stopped")
    if needed:
        raise typer.Exit(1)
