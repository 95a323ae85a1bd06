"""`digest articles`: the catalogue."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli.options import Config, Json, Now, actor, application
from digest.cli.output import print_json, say, table, warn

app = typer.Typer(help="The catalogue.", no_args_is_help=True)
Ref = Annotated[
    str, typer.Argument(metavar="ARTICLE", help="Its number in the list (`number:5`), its source's id (`SOURCE:5`), or its URL.")
]


@app.command()
def fetch(config: Config = None, now: Now = None, as_json: Json = False) -> None:
    """Read every source and take in what is new."""
    from digest.app.fetching import current_sources
    from digest.app.fetching import fetch as fetch_all
    from digest.cli.fetching_progress import fetching_progress
    from digest.cli.progress import draining
    from digest.cli.reports import exit_code_of_fetch, fetch_lines, fetch_report

    with (
        application(config, now) as application_,
        draining(application_.stop),
        fetching_progress(len(current_sources(application_)), quiet=as_json) as on_read,
    ):
        fetched = fetch_all(application_, on_read)
    if as_json:
        print_json(fetch_report(fetched))
    else:
        for line in fetch_lines(fetched):
            warn(line[1:]) if line.startswith("!") else say(line)
    raise typer.Exit(exit_code_of_fetch(fetched))


@app.command("list")
def list_all(config: Config = None, as_json: Json = False) -> None:
    """Every article there is, newest first."""
    from digest.catalogue.articles import list_articles

    with application(config) as application_, application_.store.reading() as connection:
        articles = list_articles(connection)
    if as_json:
        print_json([article.to_json() for article in articles])
        return
    rows = (
        (
            article.id,
            "waits" if article.arrival is None else article.arrival or "covered",
            "" if article.published_at is None else f"{article.published_at:%Y-%m-%d}",
            " ".join(article.tags),
            ("withdrawn: " if article.withdrawn_at else "★ " if article.featured else "") + article.title,
        )
        for article in articles
    )
    table(("id", "arrival", "published", "tags", "title"), rows)


@app.command()
def feature(
    article: Ref,
    off: Annotated[bool, typer.Option("--off", help="Take the mark away.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Mark an article as featured, whatever its source says."""
    from digest.catalogue.articles import feature as mark

    with application(config) as application_, application_.store.writing() as connection:
        found = mark(connection, article, not off)
    if as_json:
        print_json({"article": found.id, "title": found.title, "featured": not off})
        return
    say(f"article {found.id} is {'no longer ' if off else ''}featured: {found.title}")


@app.command()
def withdraw(article: Ref, config: Config = None, now: Now = None, as_json: Json = False) -> None:
    """Take an article out of everything that has not been sent yet, approved issues too. There is no way back."""
    from digest.delivery.withdrawal import withdraw as take_out

    with application(config, now) as application_, application_.store.writing() as connection:
        done = take_out(connection, article, actor=actor(), now=application_.now)
    if as_json:
        touched = [
            {"issue": one.issue.name, "sub_revision": one.issue.sub_revision, "too_late": one.too_late} for one in done.touched
        ]
        print_json({"article": done.article.id, "title": done.article.title, "issues": touched})
        return
    say(f"article {done.article.id} is withdrawn: {done.article.title}")
    for one in done.touched:
        say(f"  {one.issue.name} ({one.issue.state}): {one}")
