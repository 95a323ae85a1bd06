"""Leaving by a link. It holds for ever, and whoever holds it learns nothing of who is known: what is unknown is passed over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from digest.app.preferring import too_often
from digest.app.wiring import App
from digest.audience.consent import Act, Evidence, write_down
from digest.audience.finding import subscriber_by_id, subscription_by_id, subscriptions_of
from digest.audience.leaving import end, leave_topic
from digest.audience.subscription import Subscription, SubscriptionState
from digest.audience.tokens import Purpose
from digest.audience.topics import ALL_TOPICS
from digest.audience.undoing import can_undo, undo
from digest.settings import NewsletterSettings

_LEFT = SubscriptionState.UNSUBSCRIBED


@dataclass(frozen=True, slots=True)
class Leaver:
    """What is shown to whoever opened the link: what they get of this newsletter, and whether there is more to leave.

    `topics` are (slug, title), in the newsletter's order; of who left there are none.
    """

    title: str
    topics: tuple[tuple[str, str], ...]
    left: bool
    others: bool
    undoable: bool
    language: str | None


def look(app: App, token: str) -> Leaver | None:
    """What a link is about; None when it is about nobody (any more), or is no link of ours. Changes nothing."""
    subscription_id = app.whose(Purpose.UNSUBSCRIBE, token)
    if subscription_id is None:
        return None
    with app.store.reading() as connection:
        found = subscription_by_id(connection, subscription_id)
        newsletter = None if found is None else _newsletter(app, found)
        if found is None or newsletter is None:
            return None
        theirs = subscriptions_of(connection, found.subscriber_id)
        person = subscriber_by_id(connection, found.subscriber_id)
        return Leaver(
            title=newsletter.title,
            topics=_followed(found, newsletter),
            left=found.state is _LEFT,
            others=any(one.id != found.id and one.state is not _LEFT for one in theirs),
            undoable=can_undo(connection, found, now=app.now),
            language=None if person is None else person.language,
        )


def leave_newsletter(app: App, token: str, evidence: Evidence) -> None:
    """End the one subscription."""
    _acting(app, token, lambda connection, found: _end(app, connection, found, evidence))


def leave_everything(app: App, token: str, evidence: Evidence) -> None:
    """End every subscription of the person."""

    def leave(connection: Connection, found: Subscription) -> None:
        for one in subscriptions_of(connection, found.subscriber_id):
            _end(app, connection, one, evidence)

    _acting(app, token, leave)


def leave_one_topic(app: App, token: str, topic: str, evidence: Evidence) -> None:
    """End one topic of the subscription; with the last one the subscription ends."""

    def leave(connection: Connection, found: Subscription) -> None:
        newsletter = _newsletter(app, found)
        if newsletter is not None and leave_topic(connection, found.id, topic, newsletter.offered, now=app.now):
            after = subscription_by_id(connection, found.id) or found
            act = Act.LEFT if after.state is _LEFT else Act.CHANGED
            write_down(connection, act, after, evidence, before=found, now=app.now)

    _acting(app, token, leave)


def return_(app: App, token: str, evidence: Evidence) -> None:
    """Take the last leaving back, while that is possible, and was not done a hundred times today."""

    def go_back(connection: Connection, found: Subscription) -> None:
        if not too_often(connection, found.subscriber_id, app.now):
            undo(connection, found.id, evidence, now=app.now)

    _acting(app, token, go_back)


def _acting(app: App, token: str, act: Callable[[Connection, Subscription], object]) -> None:
    subscription_id = app.whose(Purpose.UNSUBSCRIBE, token)
    if subscription_id is None:
        return
    with app.store.writing() as connection:
        found = subscription_by_id(connection, subscription_id, lock=True)
        if found is not None:
            act(connection, found)


def _end(app: App, connection: Connection, found: Subscription, evidence: Evidence) -> None:
    if end(connection, found.id, now=app.now):
        write_down(connection, Act.LEFT, found, evidence, before=found, now=app.now)


def _newsletter(app: App, found: Subscription) -> NewsletterSettings | None:
    return next((one for one in app.settings.newsletters if one.slug == found.newsletter), None)


def _followed(found: Subscription, newsletter: NewsletterSettings) -> tuple[tuple[str, str], ...]:
    if found.state is _LEFT:
        return ()
    words = set(newsletter.offered) if found.topics == ALL_TOPICS else set(found.topics.split())
    return tuple((slug, topic.title) for slug, topic in newsletter.offered.items() if slug in words)
