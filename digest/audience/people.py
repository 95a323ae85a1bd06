"""People: adding one by hand, or changing what they get."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from digest.audience.consent import Evidence, Source
from digest.audience.enrolment import enrol
from digest.audience.finding import find_subscriber, subscriptions_of
from digest.audience.joining import Outcome
from digest.audience.subscriber import Subscriber
from digest.audience.subscription import Subscription
from digest.audience.wish import Offer, choose, make_wish
from digest.errors import UsageError
from digest.settings import NewsletterSettings

BY_COMMAND = Evidence(Source.COMMAND_LINE)


@dataclass(frozen=True, slots=True)
class Joined:
    """Who was added and how that came out. `suppressed`: whatever they asked for, the address must not be mailed."""

    subscriber: Subscriber
    subscription: Subscription
    outcome: Outcome
    suppressed: bool


def subscribe(
    connection: Connection,
    newsletter: NewsletterSettings,
    email: str,
    *,
    name: str | None = None,
    topics: str | None = None,
    frequency: str | None = None,
    timezone: str | None = None,
    language: str | None = None,
    confirmed: bool = False,
    now: datetime,
    evidence: Evidence = BY_COMMAND,
) -> Joined:
    """Add one person to a newsletter, or change what they get of it. A `UsageError` says what cannot be.

    A new subscription is active when `confirmed` and pending otherwise; it starts at the coverage point of its
    frequency, at the latest when it is confirmed. Of one that exists only what is given changes (None: not given;
    empty `topics`: all), and its coverage point stays its own. Who has confirmed stays so. Who unsubscribed comes
    back only by `confirmed`: the operator vouches for this one person. A suppression is never lifted.
    """
    choices = choose(Offer.of(newsletter), topics, frequency, timezone, language)
    wish = make_wish(email, name, choices, confirmed=confirmed)
    enrolment = enrol(connection, newsletter, [wish], may_return=True, now=now, evidence=evidence)
    subscriber = find_subscriber(connection, wish.address)
    if subscriber is None:
        raise LookupError("a subscriber that was stored in this transaction is not there")
    theirs = (one for one in subscriptions_of(connection, subscriber.id) if one.newsletter == newsletter.slug)
    subscription = next(theirs, None)
    if subscription is None:
        raise UsageError(f"{email} has left every topic of {newsletter.slug}; only they themselves can come back")
    return Joined(subscriber, subscription, enrolment.outcomes[0], wish.address in enrolment.suppressed)
