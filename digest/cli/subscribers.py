"""`digest subscribers`: people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli.options import Config, Json, Newsletter, Now, application
from digest.cli.output import print_json, print_json_list, say, table, warn

if TYPE_CHECKING:
    from digest.audience.subscription import SubscriptionState

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
    """Add one person, or change what they get. Without --confirmed they get a mail to confirm it, at most one in an hour."""
    from digest.app import enlisting

    terms = enlisting.Terms(name=name, topics=topics, frequency=frequency, timezone=timezone, language=language)
    with application(config, now) as application_:
        added = enlisting.add(application_, email, newsletter, terms, confirmed=confirmed)
    joined, subscription, waits, written = added.joined, added.joined.subscription, added.waits, added.written
    if as_json:
        said = {"email": joined.subscriber.email, "outcome": joined.outcome, "suppressed": joined.suppressed, "written": written}
        print_json(said | _terms(subscription))
        return
    topics_said = "all topics" if subscription.topics == "*" else subscription.topics
    say(
        f"{joined.subscriber.email}: {joined.outcome}, {subscription.state}, {subscription.newsletter} {subscription.frequency}, {topics_said}"
    )
    if written:
        say("a mail that asks them to confirm goes out with `digest serve`, or with the next `digest run`")
    elif waits:
        warn(
            f"{joined.subscriber.email} was written to within the hour, or five times today; no further mail asks them to confirm"
        )
    if joined.suppressed:
        warn(f"{joined.subscriber.email} is suppressed and will not be mailed")


@app.command("list")
def list_all(
    newsletter: Newsletter = None,
    state: Annotated[
        str | None, typer.Option("--state", metavar="STATE", help="Only pending, active, paused or unsubscribed ones.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, help="At most so many people, each with all of theirs.")
    ] = None,
    after: Annotated[
        str | None, typer.Option("--after", metavar="EMAIL", help="Go on behind this address, the last of the page before.")
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Everybody, by address."""
    from digest.audience.addresses import canonical_address
    from digest.audience.finding import list_subscribers

    with application(config) as application_:
        slug = None if newsletter is None else application_.newsletter(newsletter).slug
        behind = None if after is None else canonical_address(after)
        with application_.store.reading() as connection:
            listed = list_subscribers(connection, slug, state=_state(state), after=behind, limit=limit)
            if as_json:
                print_json_list(
                    {"email": one.subscriber.email, "name": one.subscriber.name, "suppressed": one.suppressed}
                    | _terms(one.subscription)
                    for one in listed
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


def _state(text: str | None) -> SubscriptionState | None:
    from digest.audience.subscription import SubscriptionState
    from digest.errors import UsageError

    if text is None:
        return None
    if text not in tuple(SubscriptionState):
        raise UsageError(f"--state: {text!r} is none of {', '.join(SubscriptionState)}")
    return SubscriptionState(text)


@app.command()
def show(email: Email, config: Config = None, as_json: Json = False) -> None:
    """One person: what they get, what they agreed to and took back, every delivery to them, and with --json all that is known."""
    from digest.app.knowing import story
    from digest.audience.consent import evidence_of
    from digest.audience.finding import find_subscriber, subscriptions_of
    from digest.audience.questions import open_question
    from digest.errors import UsageError
    from digest.insights.statistics import deliveries_of

    if as_json:
        with application(config) as application_:
            print_json(story(application_, email))
        return
    with application(config) as application_, application_.store.reading() as connection:
        person = find_subscriber(connection, email)
        if person is None:
            raise UsageError(f"nobody is known by {email}; `digest subscribers list` shows who is")
        subscriptions = subscriptions_of(connection, person.id)
        kept = evidence_of(connection, person.id)
        deliveries = deliveries_of(connection, person.id)
        asked = {one.id: open_question(connection, one) for one in subscriptions}
    say(f"{person.email}" + (f" ({person.name})" if person.name else ""))
    for one in subscriptions:
        until = f" until {one.paused_until:%Y-%m-%d %H:%M} UTC" if one.state == "paused" and one.paused_until else ""
        say(f"  {one.newsletter} {one.frequency}: {one.state}{until}, {'all topics' if one.topics == '*' else one.topics}")
        if question := asked[one.id]:
            sent = f"sent {question.sent_at:%Y-%m-%d}" if question.sent_at else "not sent"
            say(f"    asked on {question.asked_at:%Y-%m-%d} whether they want to go on ({sent}), no answer yet")
    for line in kept:
        said = f" “{line.wording}”" if line.wording else ""
        where = f" from {line.origin}" if line.origin else ""
        by = f" ({_past(line.elsewhere)})" if line.elsewhere else ""
        say(f"  {line.at:%Y-%m-%d %H:%M} UTC {line.newsletter}: {line.act} by {line.source}{where}{said}{by}")
    table(("issue", "state", "answer"), ((d["issue"], d["state"], d["answer"]) for d in deliveries))


def _past(elsewhere: dict[str, Any]) -> str:
    said = {"opted_in_at": "opted in", "confirmed_at": "confirmed", "left_at": "left"}
    times = (f"{word} {elsewhere[key][:16].replace('T', ' ')} UTC" for key, word in said.items() if elsewhere.get(key))
    return ", ".join((f"from {elsewhere.get('tool')}", *times))


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
