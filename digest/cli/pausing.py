"""`digest subscribers pause` and `resume`: nothing for a while, and afterwards what was missed."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli.options import Config, Json, Newsletter, Now, application, day
from digest.cli.output import print_json, say

Email = Annotated[str, typer.Argument(metavar="EMAIL")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(pause)
    app.command()(resume)


def pause(
    email: Email,
    newsletter: Newsletter = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="DATE", help="From that day or time on they get mail again, by themselves.")
    ] = None,
    config: Config = None,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Send somebody nothing for a while. Afterwards they get what came since, as far back as carry_over reaches."""
    from zoneinfo import ZoneInfo

    from digest.audience import pausing
    from digest.audience.finding import subscription_of
    from digest.errors import UsageError

    with application(config, now) as application_:
        found = application_.the_newsletter(newsletter)
        with application_.store.writing() as connection:
            person, subscription = subscription_of(connection, email, found.slug)
            zone = ZoneInfo(person.timezone or found.timezone)
            ends = None if until is None else day(until, zone, "--until")
            try:
                changed = pausing.pause(connection, subscription, until=ends, now=application_.now)
            except UsageError as error:
                raise UsageError(f"{email}: {error}") from None
    if as_json:
        print_json({"email": person.email, "newsletter": found.slug, "paused_until": ends, "changed": changed})
        return
    how_long = "until somebody resumes it" if ends is None else f"until {ends:%Y-%m-%d %H:%M %Z}"
    say(f"{person.email}: {found.slug} is paused {how_long}" + ("" if changed else " already"))


def resume(email: Email, newsletter: Newsletter = None, config: Config = None, as_json: Json = False) -> None:
    """End somebody's pause: their next issue brings what came since. Of who is not paused it changes nothing."""
    from digest.audience import pausing
    from digest.audience.finding import subscription_of

    with application(config) as application_:
        found = application_.the_newsletter(newsletter)
        with application_.store.writing() as connection:
            person, subscription = subscription_of(connection, email, found.slug)
            changed = pausing.resume(connection, subscription.id)
    if as_json:
        print_json({"email": person.email, "newsletter": found.slug, "changed": changed})
        return
    say(f"{person.email}: {found.slug} " + ("goes on" if changed else f"is {subscription.state}, and was not paused"))
