"""`digest explain` and `stats`: what happened, and why."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from digest.cli.options import Config, IssueName, Json, application
from digest.cli.output import print_json, say, warn


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(explain)
    app.command()(stats)


def explain(
    issue: IssueName,
    subscriber: Annotated[str, typer.Option("--subscriber", metavar="EMAIL")],
    article: Annotated[
        str | None,
        typer.Option(
            "--article",
            metavar="ID",
            help="Only this article: its number (`number:5`), its source's id (`SOURCE:5`), or its URL.",
        ),
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Why somebody got an issue as they did, or why not."""
    from digest.app import issuing
    from digest.catalogue.articles import find_article
    from digest.insights.explaining import explain as explained
    from digest.insights.explaining import explain_absent
    from digest.insights.reading import standing

    with application(config) as application_:
        found = issuing.named(application_, issue)
        with application_.store.reading() as connection:
            stands = standing(connection, found, subscriber)
            explanation = explained(found, stands)
            if article is not None:
                meant = find_article(connection, article)
                candidates = (one for one in explanation.articles if one.article == meant.id)
                one = next(candidates, None) or explain_absent(found, stands, meant)
                print_json(asdict(one)) if as_json else say(one.sentence)
                return
    if as_json:
        print_json(explanation.to_json())
        return
    say(explanation.sentence)
    for one in explanation.articles:
        say(f"  {one.sentence}")


def stats(issue: IssueName, config: Config = None, as_json: Json = False) -> None:
    """The account of an issue, whose sums agree; and what providers told of it, by topic and article (--json: by rendition, too)."""
    from digest.app import issuing
    from digest.app.stating import stats_of
    from digest.cli.reports import account_line, alarm_lines, beside_lines, engagement_lines
    from digest.issues.withdrawn import left_out

    with application(config) as application_:
        found = issuing.named(application_, issue)
        with application_.store.reading() as connection:
            withdrawn = left_out(connection, found)
        report = stats_of(application_, found)
    if as_json:
        print_json(report)
        return
    say(f"{found.name}: {found.state}; {account_line(report['audience'], report['account'])}")
    for provider, count in report["providers"].items():
        say(f"  {count:,} handed to {provider}")
    for line in beside_lines(report):
        say(f"  {line}")
    for one in withdrawn:
        say(f"  {one}")
    told = ", ".join(f"{count:,} {kind}" for kind, count in report["reported"].items() if count)
    if told:
        say(f"  events: {told}")
    if report["account"]["accepted"] or report["engagement"]["heard"]:
        for line in engagement_lines(report["engagement"]):
            say(f"  {line}")
    for line in alarm_lines(found.name, report["alarms"]):
        warn(line[1:])
