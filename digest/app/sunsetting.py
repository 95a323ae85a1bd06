"""Sunsetting: once a day those who never open or click are asked, and those who have not answered are let go."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from sqlalchemy import Connection

from digest.app.wiring import App
from digest.audience import questions, tallying
from digest.audience.consent import Act, Evidence, Source, write_down
from digest.audience.finding import subscriber_by_id, subscription_by_id
from digest.audience.leaving import end
from digest.audience.sunset import Rule, Verdict
from digest.delivery.halting import in_force
from digest.delivery.letters import Kind, put
from digest.insights.silence import judged
from digest.settings import NewsletterSettings

ASKED_AT_MOST = 1000
"""So many of a newsletter are asked in a day; whoever is silent still is tomorrow."""

_A_DAY = timedelta(hours=23)  # a cron job of every day is a minute early now and then
_IN_ONE = 200  # of one transaction: others want to write, too


@dataclass(slots=True)
class Sunset:
    """What came of it for one newsletter."""

    newsletter: str
    asked: int = 0
    ended: int = 0


def ask_the_silent(app: App, newsletters: Iterable[NewsletterSettings]) -> list[Sunset]:
    """Go through every newsletter that has the rule, unless that was done today. Not for a dry run, nor in a halt."""
    return [_go_through(app, one, one.sunset) for one in newsletters if one.sunset is not None and _due(app, one)]


def _due(app: App, newsletter: NewsletterSettings) -> bool:
    with app.store.reading() as connection:
        return not app.stop.is_set() and tallying.many(connection, _key(app, newsletter), since=app.now - _A_DAY) == 0


def _key(app: App, newsletter: NewsletterSettings) -> str:
    return tallying.hashed(app.key, "sunset", newsletter.slug)


def _go_through(app: App, newsletter: NewsletterSettings, span: timedelta) -> Sunset:
    rule, done = Rule(span, newsletter.sunset_grace), Sunset(newsletter.slug)
    found = [*_look(app, newsletter, rule, Verdict.END, None), *_look(app, newsletter, rule, Verdict.ASK, ASKED_AT_MOST)]
    for start in range(0, len(found), _IN_ONE):
        with app.store.writing() as connection:
            if app.stop.is_set() or in_force(connection) is not None:
                return done
            _carry_out(app, connection, found[start : start + _IN_ONE], rule, done)
    if not app.stop.is_set():
        with app.store.writing() as connection:
            tallying.count(connection, _key(app, newsletter), now=app.now)
    return done


def _look(app: App, newsletter: NewsletterSettings, rule: Rule, wanted: Verdict, most: int | None) -> list[tuple[int, Verdict]]:
    """The subscriptions to be asked, or to be ended; at most so many."""
    with app.store.reading() as connection:
        found = judged(connection, newsletter.slug, rule, wanted, now=app.now, stop=app.stop.is_set)
        return [(subscription_id, wanted) for subscription_id in islice(found, most)]


def _carry_out(app: App, connection: Connection, some: Sequence[tuple[int, Verdict]], rule: Rule, done: Sunset) -> None:
    for subscription_id, verdict in some:
        if verdict is Verdict.ASK:
            done.asked += _ask(app, connection, subscription_id)
        else:
            done.ended += _end(app, connection, subscription_id, rule)


def _ask(app: App, connection: Connection, subscription_id: int) -> bool:
    found = subscription_by_id(connection, subscription_id, lock=True)
    person = None if found is None else subscriber_by_id(connection, found.subscriber_id)
    if found is None or person is None or found.state != "active":
        return False
    questions.ask(connection, found.id, now=app.now)
    put(
        connection,
        Kind.SUNSET,
        found.id,
        email=person.email,
        address=person.address,
        language=person.language or app.settings.site.language,
        now=app.now,
        real=datetime.now(UTC),
    )
    return True


def _end(app: App, connection: Connection, subscription_id: int, rule: Rule) -> bool:
    """Unless they have done something in the meantime."""
    found = subscription_by_id(connection, subscription_id, lock=True)
    asked = None if found is None else questions.open_question(connection, found)
    if found is None or asked is None or not end(connection, found.id, now=app.now):
        return False
    why = f"no open or click for {rule.span.days} days, asked on {asked.asked_at:%Y-%m-%d}, no answer"
    write_down(connection, Act.LEFT, found, Evidence(Source.SUNSET, wording=why), before=found, now=app.now)
    return True
