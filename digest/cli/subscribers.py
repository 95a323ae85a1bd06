"""`digest subscribers`: people."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from digest.cli.options import Config, Json, Newsletter, Now, application
from digest.cli.output import print_json, say, table, warn

app = typer.Typer(help="People.", no_args_is_help=True)
Email = Annotated[str, typer.Argument(metavar="EMAIL")]


@app.command()
def add(
    email: Email,
    newsletter: Newsletter = None,
    topics: Annotated[str | None, typer.Option(help="Topics, separated by commas; by default all.")] = None,
    name: Annotated[str | None, typer.Option()] = None,
    frequency: Annotated[str | None, typer.Option()] = None,
    timezone: Annotated[str | None, typer.Option(help="An IANA name, such as Europe/Berlin.")] = None,
    language: Annotated[str | None, typer.Option()] = None,
    confirmed: Annotated[bool, typer.Option("--confirmed", help="They have agreed, and you can show it.")] = False,
    config: Config = None,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Add one person, or change what they get. Without --confirmed they wait for their confirmation."""
    from digest.audience.people import subscribe

    with application(config, now) as application_:
        found = application_.the_newsletter(newsletter)
        with application_.store.writing() as connection:
            joined = subscribe(
                connection,
                found,
                email,
                name=name,
                topics=topics,
                frequency=frequency,
                timezone=timezone,
                language=language,
                confirmed=confirmed,
                now=application_.now,
            )
    subscription = joined.subscription
    if as_json:
        print_json(
            {"email": joined.subscriber.email, "outcome": joined.outcome, "suppressed": joined.suppressed} | _terms(subscription)
        )
        return
    topics_said = "all topics" if subscription.topics == "*" else subscription.topics
    say(
        f"{joined.subscriber.email}: {joined.outcome}, {subscription.state}, {found.slug} {subscription.frequency}, {topics_said}"
    )
    if joined.suppressed:
        warn(f"{joined.subscriber.email} is suppressed and will not be mailed")


@app.command("list")
def list_all(newsletter: Newsletter = None, config: Config = None, as_json: Json = False) -> None:
    """Everybody, by address."""
    from digest.audience.finding import list_subscribers

    with application(config) as application_:
        slug = None if newsletter is None else application_.newsletter(newsletter).slug
        with application_.store.reading() as connection:
            listed = list_subscribers(connection, slug)
            if as_json:
                print_json(
                    [
                        {"email": one.subscriber.email, "name": one.subscriber.name, "suppressed": one.suppressed}
                        | _terms(one.subscription)
                        for one in listed
                    ]
                )
                return
            rows = (
                (
                    one.subscriber.email,
                    one.subscription.newsletter,
                    "suppressed" if one.suppressed else one.subscription.state,
                    one.subscription.frequency,
                    "all" if one.subscription.topics == "*" else one.subscription.topics,
                )
                for one in listed
            )
            table(("email", "newsletter", "state", "frequency", "topics"), rows)


@app.command()
def show(email: Email, config: Config = None, as_json: Json = False) -> None:
    """One person: what they get, what they agreed to and took back, and every delivery to them."""
    from digest.audience.consent import evidence_of
    from digest.audience.finding import find_subscriber, subscriptions_of
    from digest.errors import UsageError
    from digest.insights.statistics import deliveries_of

    with application(config) as application_, application_.store.reading() as connection:
        person = find_subscriber(connection, email)
        if person is None:
            raise UsageError(f"nobody is known by {email}; `digest subscribers list` shows who is")
        subscriptions = subscriptions_of(connection, person.id)
        kept = evidence_of(connection, person.id)
        deliveries = deliveries_of(connection, person.id)
    if as_json:
        print_json(
            {
                "email": person.email,
                "name": person.name,
                "subscriptions": [_terms(s) for s in subscriptions],
                "consent": [{name: getattr(one, name) for name in type(one).__slots__ if name != "id"} for one in kept],
                "deliveries": deliveries,
            }
        )
        return
    say(f"{person.email}" + (f" ({person.name})" if person.name else ""))
    for one in subscriptions:
        until = f" until {one.paused_until:%Y-%m-%d %H:%M} UTC" if one.state == "paused" and one.paused_until else ""
        say(f"  {one.newsletter} {one.frequency}: {one.state}{until}, {'all topics' if one.topics == '*' else one.topics}")
    for line in kept:
        said = f" “{line.wording}”" if line.wording else ""
        where = f" from {line.origin}" if line.origin else ""
        say(f"  {line.at:%Y-%m-%d %H:%M} UTC {line.newsletter}: {line.act} by {line.source}{where}{said}")
    table(("issue", "state", "answer"), ((d["issue"], d["state"], d["answer"]) for d in deliveries))


@app.command()
def leave(email: Email, newsletter: Newsletter = None, config: Config = None, now: Now = None, as_json: Json = False) -> None:
    """End somebody's subscription; what waits for them is not sent. Again it changes nothing."""
    from digest.audience.consent import Act, write_down
    from digest.audience.finding import subscription_of
    from digest.audience.leaving import end
    from digest.audience.people import BY_COMMAND

    with application(config, now) as application_:
        found = application_.the_newsletter(newsletter)
        with application_.store.writing() as connection:
            person, subscription = subscription_of(connection, email, found.slug)
            ended = end(connection, subscription.id, now=application_.now)
            if ended:
                left = subscription_of(connection, email, found.slug)[1]
                write_down(connection, Act.LEFT, left, BY_COMMAND, before=subscription, now=application_.now)
    if as_json:
        print_json({"email": person.email, "newsletter": found.slug, "ended": ended})
        return
    say(f"{person.email}: " + (f"no longer subscribed to {found.slug}" if ended else f"had left {found.slug} already"))


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV: email,name,topics,frequency,timezone,language,confirmed.")],
    newsletter: Newsletter = None,
    config: Config = None,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Take people in from a CSV file; a bad row stops only itself."""
    from digest.audience.csv_file import reading_lines
    from digest.audience.importing import ImportReport, import_csv
    from digest.cli.progress import counting_progress
    from digest.errors import UsageError

    with application(config, now) as application_:
        found = application_.the_newsletter(newsletter)
        with reading_lines(file) as lines, counting_progress("importing", as_json) as on_progress:
            try:
                report = import_csv(application_.store.writing, found, lines, now=application_.now, on_progress=on_progress)
            except UsageError as error:
                raise UsageError(f"{file}: {error}") from None
    counts = {name: getattr(report, name) for name in ImportReport.__slots__ if name != "bad_rows"}
    if as_json:
        print_json(counts | {"bad_rows": [{"line": bad.line, "reason": bad.reason} for bad in report.bad_rows]})
    else:
        say(", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items()))
        for bad in report.bad_rows[:20]:
            warn(f"line {bad.line}: {bad.reason}")
        if report.bad > 20:
            warn(f"and {report.bad - 20:,} more bad rows; --json lists the first thousand")
    raise typer.Exit(1 if report.bad else 0)


@app.command()
def export(newsletter: Newsletter = None, config: Config = None) -> None:
    """Everybody as CSV on standard output, in the form that `import` reads."""
    from digest.audience.exporting import export_csv

    with application(config) as application_:
        found = application_.the_newsletter(newsletter)
        with application_.store.reading() as connection:
            report = export_csv(connection, found.slug, sys.stdout)
    if report.unsubscribed or report.paused or report.suppressed:
        warn(
            f"left out: {report.unsubscribed:,} who unsubscribed, {report.paused:,} who paused,"
            f" {report.suppressed:,} who must not be mailed"
        )


@app.command()
def erase(email: Email, config: Config = None, as_json: Json = False) -> None:
    """Take a person out for good: name, address, subscriptions. Sums and counts stay. There is no way back."""
    from digest.app.erasing import erase as erase_everywhere

    with application(config) as application_:
        suppressed = erase_everywhere(application_, email)
    if as_json:
        print_json({"erased": True, "still_suppressed": suppressed})
        return
    say("erased; the ledger keeps its counts and no name")
    if suppressed:
        warn("the address stays suppressed, so that nobody mails it again")


def _terms(subscription: Any) -> dict[str, Any]:
    names = ("newsletter", "topics", "frequency", "state", "paused_until", "created_at", "confirmed_at")
    return {name: getattr(subscription, name) for name in names if hasattr(subscription, name)}
