"""Preferring: what a person may change of what they get, by the link that stands in every mail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, update

from digest.app.wiring import App
from digest.audience.consent import Act, Evidence, lines_since, write_down
from digest.audience.finding import subscriber_by_id, subscription_by_id
from digest.audience.left_topics import take_up
from digest.audience.pausing import pause, resume
from digest.audience.questions import open_question
from digest.audience.subscriber import Subscriber
from digest.audience.subscription import Subscription, SubscriptionState
from digest.audience.tokens import Purpose
from digest.audience.topics import ALL_TOPICS
from digest.audience.wish import Offer, choose
from digest.errors import UsageError
from digest.settings import NewsletterSettings
from digest.store import tables

IN_A_DAY = 100
"""So many changes of one person are kept in a day: each is a line of evidence, and stays."""


class TooOften(UsageError):
    """They have changed enough for today; they can still leave."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the page shows."""

    person: Subscriber
    subscription: Subscription
    newsletter: NewsletterSettings

    @property
    def everything(self) -> bool:
        """Whether they follow all topics, tomorrow's too."""
        return self.subscription.topics == ALL_TOPICS

    @property
    def followed(self) -> frozenset[str]:
        """The topics that are ticked."""
        return frozenset(self.newsletter.offered) if self.everything else frozenset(self.subscription.topics.split())

    @property
    def zone(self) -> str:
        """Their time zone, or the newsletter's."""
        return self.person.timezone or self.newsletter.timezone

    @property
    def paused_until(self) -> date | None:
        """The day on which mails go on."""
        until = self.subscription.paused_until
        return None if until is None else until.astimezone(ZoneInfo(self.zone)).date()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody filled in. Empty texts say nothing."""

    everything: bool
    topics: Sequence[str]
    frequency: str
    timezone: str
    language: str


def look(app: App, token: str) -> Preferences | None:
    """What a link is about; None when it is about nobody (any more). Changes nothing."""
    number = app.whose(Purpose.PREFERENCES, token)
    if number is None:
        return None
    with app.store.reading() as connection:
        return _preferences(app, connection, number, lock=False)


@contextmanager
def _acting(app: App, token: str, evidence: Evidence) -> Iterator[tuple[Connection, Preferences]]:
    """A transaction in which somebody changes what is theirs; a `UsageError` where the link is about nobody.

    Whatever they do answers the question whether they want to go on.
    """
    number = app.whose(Purpose.PREFERENCES, token)
    with app.store.writing() as connection:
        found = None if number is None else _preferences(app, connection, number, lock=True)
        if found is None:
            raise UsageError("this link is about nobody that we know")
        if too_often(connection, found.person.id, app.now):
            raise TooOften("this was changed a hundred times today; tomorrow it can be changed again")
        yield connection, found
        if open_question(connection, found.subscription) is not None:
            write_down(connection, Act.STAYED, found.subscription, evidence, before=None, now=app.now)


def too_often(connection: Connection, subscriber_id: int, now: datetime) -> bool:
    """Whether somebody, or a robot that has their link, has changed as much in a day as is kept."""
    return lines_since(connection, subscriber_id, now - timedelta(days=1)) >= IN_A_DAY


def change(app: App, token: str, wanted: Wanted, evidence: Evidence) -> bool:
    """Take over topics, frequency, time zone and language; the coverage point stays. True when that changed something.

    A `UsageError` says what cannot be chosen.
    """
    with _acting(app, token, evidence) as (connection, found):
        if not wanted.everything and not wanted.topics:
            raise UsageError("choose at least one topic; to get nothing at all, unsubscribe")
        topics = ALL_TOPICS if wanted.everything else " ".join(wanted.topics)
        choices = choose(Offer.of(found.newsletter), topics, wanted.frequency, wanted.timezone, wanted.language)
        details = {
            "timezone": choices.timezone or found.person.timezone,
            "language": choices.language or found.person.language,
        }
        changed = any(getattr(found.person, name) != value for name, value in details.items())
        if changed:
            mine = tables.subscriber.c.id == found.person.id
            connection.execute(update(tables.subscriber).where(mine).values(details))
        terms = {"topics": choices.topics, "frequency": choices.frequency or found.subscription.frequency}
        if any(getattr(found.subscription, name) != value for name, value in terms.items()):
            mine = tables.subscription.c.id == found.subscription.id
            connection.execute(update(tables.subscription).where(mine).values(terms))
            take_up(connection, {found.person.address}, found.newsletter.slug, choices.topics or "")
            _write_down(app, connection, found.subscription, evidence)
            return True
        return changed


def rest(app: App, token: str, until: str, evidence: Evidence) -> bool:
    """Send nothing until the morning of a day, `2026-12-24`; with none, until they say so. A `UsageError` says what cannot be."""
    with _acting(app, token, evidence) as (connection, found):
        end = None if not until else _midnight(until, found.zone)
        if end is not None and end <= app.now:
            raise UsageError("that day is past: choose one to come")
        done = pause(connection, found.subscription, until=end, now=app.now)
        if done:
            _write_down(app, connection, found.subscription, evidence)
        return done


def go_on(app: App, token: str, evidence: Evidence) -> bool:
    """Let a pause end now."""
    with _acting(app, token, evidence) as (connection, found):
        done = resume(connection, found.subscription.id)
        if done:
            _write_down(app, connection, found.subscription, evidence)
        return done


def _preferences(app: App, connection: Connection, number: int, *, lock: bool) -> Preferences | None:
    subscription = subscription_by_id(connection, number, lock=lock)
    person = None if subscription is None else subscriber_by_id(connection, subscription.subscriber_id)
    if subscription is None or person is None:
        return None
    newsletter = next((one for one in app.settings.newsletters if one.slug == subscription.newsletter), None)
    return None if newsletter is None else Preferences(person, subscription, newsletter)


def _write_down(app: App, connection: Connection, before: Subscription, evidence: Evidence) -> None:
    after = subscription_by_id(connection, before.id)
    if after is not None:
        write_down(connection, Act.CHANGED, after, evidence, before=before, now=app.now)


def _midnight(text: str, zone: str) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise UsageError("that is not a day: write it as 2026-12-24") from None
    if not 1970 <= day.year < 9000:
        raise UsageError("that day is out of reach")
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def is_left(found: Preferences) -> bool:
    """Whether they have unsubscribed."""
    return found.subscription.state is SubscriptionState.UNSUBSCRIBED
