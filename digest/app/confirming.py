"""Confirming: who reads the letter about a sign-up subscribes, as was asked; and is welcomed where the newsletter does so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from digest.app.wiring import App
from digest.audience import asking
from digest.audience.asking import Asking
from digest.audience.consent import Act, Evidence, Source, write_down
from digest.audience.finding import find_subscriber, subscriptions_of
from digest.audience.people import Joined, subscribe
from digest.audience.subscription import Subscription, SubscriptionState
from digest.audience.suppression import is_suppressed
from digest.audience.tokens import Purpose
from digest.audience.topics import ALL_TOPICS
from digest.delivery import welcoming
from digest.delivery.letters import Kind, put
from digest.settings import NewsletterSettings


@dataclass(frozen=True, slots=True)
class Waiting:
    """A sign-up whose link was opened. `left`: it was confirmed, and they have unsubscribed since. `welcomed`: the latest issue
    is on its way to them."""

    newsletter: NewsletterSettings
    topics: tuple[str, ...]
    language: str | None
    confirmed: bool
    left: bool = False
    welcomed: bool = False


def look(app: App, token: str, *, welcomed: bool = False) -> Waiting | None:
    """What a link would confirm; None when it is over. Changes nothing."""
    number = app.which(Purpose.CONFIRM, token)
    if number is None:
        return None
    with app.store.reading() as connection:
        found = _open(connection, asking.find(connection, number, now=app.now))
        theirs = None if found is None or found.confirmed_at is None else _subscription(connection, found)
    newsletter = None if found is None else _newsletter(app, found)
    if found is None or newsletter is None:
        return None
    words = set(found.topics.split())
    titles = (topic.title for slug, topic in newsletter.offered.items() if slug in words)
    confirmed = found.confirmed_at is not None
    left = confirmed and (theirs is None or theirs.state is SubscriptionState.UNSUBSCRIBED)
    return Waiting(newsletter, tuple(titles), found.language, confirmed, left, welcomed)


def confirm(app: App, token: str, evidence: Evidence) -> Waiting | None:
    """Subscribe whoever asked, as they asked; once more, it changes nothing. None when the link is over."""
    number, welcomed = app.which(Purpose.CONFIRM, token), False
    if number is None:
        return None
    with app.store.writing() as connection:
        found = _open(connection, asking.find(connection, number, now=app.now, lock=True))
        newsletter = None if found is None else _newsletter(app, found)
        if found is not None and newsletter is not None and asking.mark_confirmed(connection, number, now=app.now):
            before = _subscription(connection, found)
            joined = _join(app, connection, found, newsletter, evidence)
            if newsletter.welcome == "latest" and app.sends_for_real and (before is None or before.confirmed_at is None):
                welcomed = _welcome(app, connection, joined)
    return look(app, token, welcomed=welcomed)


def _open(connection: Connection, found: Asking | None) -> Asking | None:
    """A sign-up that may be confirmed: not one of who must not be mailed, for they complained about its letter, say."""
    return None if found is None or is_suppressed(connection, found.address, found.newsletter) else found


def _subscription(connection: Connection, found: Asking) -> Subscription | None:
    person = find_subscriber(connection, found.address)
    theirs = () if person is None else subscriptions_of(connection, person.id)
    return next((one for one in theirs if one.newsletter == found.newsletter), None)


def _join(app: App, connection: Connection, found: Asking, newsletter: NewsletterSettings, evidence: Evidence) -> Joined:
    """Two lines of evidence: what they asked for, in which words, and that they confirmed it."""
    joined = subscribe(
        connection,
        newsletter,
        found.email,
        topics=_still_offered(found, newsletter),
        frequency=found.frequency if found.frequency in newsletter.schedule else None,
        timezone=found.timezone,
        language=found.language,
        confirmed=True,
        now=app.now,
        evidence=evidence,
    )
    asked = Evidence(Source(found.source), found.origin, found.wording or None, found.wording_version or None)
    write_down(connection, Act.ASKED, joined.subscription, asked, before=None, now=found.at)
    return joined


def _welcome(app: App, connection: Connection, joined: Joined) -> bool:
    """Put the latest issue into the queue. False where there is none, or nothing in it for them."""
    person, subscription = joined.subscriber, joined.subscription
    welcome = welcoming.reserve(connection, person, subscription, now=app.now)
    if welcome is None:
        return False
    put(
        connection,
        Kind.WELCOME,
        subscription.id,
        email=person.email,
        address=person.address,
        language=welcome.language,
        now=app.now,
        real=datetime.now(UTC),
        content=welcome.to_json(),
    )
    return True


def _still_offered(found: Asking, newsletter: NewsletterSettings) -> str:
    """Their topics, less what is not offered any more; all of them where nothing else is left."""
    return ALL_TOPICS if found.topics == ALL_TOPICS else " ".join(set(found.topics.split()) & newsletter.offered.keys())


def _newsletter(app: App, found: Asking) -> NewsletterSettings | None:
    return next((one for one in app.newsletters(None) if one.slug == found.newsletter), None)
