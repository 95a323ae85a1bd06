"""Signing up: somebody asks, a letter goes to the address, and who reads it confirms.

Whoever asks sees the same whether the address is new, known, suppressed or asked about again and again. What is stored until the
confirmation touches nobody's subscription.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from digest.app.allowing import DAY, allow, allow_invited, turned_away
from digest.app.wiring import App
from digest.audience import asking
from digest.audience.asking import Asking
from digest.audience.consent import Evidence
from digest.audience.people import BY_COMMAND
from digest.audience.proving import Judged, Price, Proof, judge, make_challenge
from digest.audience.subscriber import Subscriber
from digest.audience.subscription import Subscription
from digest.audience.tallying import count, hashed, many
from digest.audience.topics import ALL_TOPICS
from digest.audience.wish import Choices, Offer, Wish, choose, make_wish
from digest.delivery.letters import Kind, put
from digest.errors import UsageError
from digest.languages import read_catalogues, words_in
from digest.settings import NewsletterSettings

WORDING_VERSION = "1"


@dataclass(frozen=True, slots=True)
class SignUp:
    """What somebody filled in. No `topics` mean all of them."""

    email: str
    newsletter: NewsletterSettings
    topics: Sequence[str] | None
    frequency: str
    timezone: str
    language: str


def wording(app: App, newsletter: NewsletterSettings, language: str) -> str:
    """What somebody agrees to, as the form says it. Who changes it counts `WORDING_VERSION` up."""
    translate = words_in(language, read_catalogues(app.template_folders)).translate
    return translate("I want %(newsletter)s of %(site)s by e-mail, until I unsubscribe. Every mail has a link for that.") % {
        "newsletter": newsletter.title,
        "site": app.settings.site.name,
    }


def challenge(app: App, cost: Price) -> str:
    """What a form carries."""
    return make_challenge(app.key, app.now, cost)


def price_paid(app: App, challenge: str, number: str, cost: Price) -> Judged:
    """Whether whoever posted a form has worked, or waited, for it; a challenge that was used is none any more. Reads only."""
    judged = judge(app.key, challenge, number, app.now, cost)
    if judged.proof is not Proof.GOOD:
        return judged
    with app.store.reading() as connection:
        return Judged(Proof.NONE) if _is_used(app, connection, challenge) else judged


def _is_used(app: App, connection: Connection, challenge: str) -> bool:
    return bool(many(connection, hashed(app.key, "challenge", challenge), since=app.now - DAY))


def check(wanted: SignUp) -> Wish:
    """What was filled in, understood; a `UsageError` says what cannot be."""
    topics = None if wanted.topics is None else " ".join(wanted.topics)
    choices = choose(Offer.of(wanted.newsletter), topics, wanted.frequency, wanted.timezone, wanted.language)
    return make_wish(wanted.email, None, choices, confirmed=False)


def ask(app: App, wanted: SignUp, evidence: Evidence, *, proved: bool = True, challenge: str = "") -> None:
    """Keep a sign-up, and a letter about it, unless one was asked for too often. A `UsageError` says what cannot be chosen.

    `challenge` is what was paid for it, and is used up.
    """
    wish = check(wanted)
    if turned_away(app, wish.address, evidence.origin, proved=proved):
        return
    with app.store.writing() as connection:
        if challenge and _is_used(app, connection, challenge):
            return  # by another request, in this moment
        if challenge:
            count(connection, hashed(app.key, "challenge", challenge), now=app.now)
        if allow(app, connection, wish.address, evidence.origin, proved=proved):
            _keep(app, connection, wanted, wish, evidence)


def _keep(app: App, connection: Connection, wanted: SignUp, wish: Wish, evidence: Evidence) -> None:
    choices = wish.choices
    kept = Asking(
        id=0,
        email=wish.email,
        address=wish.address,
        newsletter=wanted.newsletter.slug,
        topics=choices.topics or ALL_TOPICS,
        frequency=choices.frequency or wanted.newsletter.frequencies[0].value,
        timezone=choices.timezone,
        language=choices.language,
        source=evidence.source.value,
        wording=evidence.wording or "",
        wording_version=evidence.wording_version or "",
        origin=evidence.origin,
        at=app.now,
        confirmed_at=None,
    )
    number, language = asking.keep(connection, kept), choices.language or app.settings.site.language
    put(
        connection,
        Kind.CONFIRM,
        number,
        email=wish.email,
        address=wish.address,
        language=language,
        now=app.now,
        real=datetime.now(UTC),
    )


def invite(app: App, person: Subscriber, subscription: Subscription, evidence: Evidence = BY_COMMAND) -> bool:
    """Write to somebody whom the operator has added and who has not confirmed; False when they were written to within the hour."""
    newsletter = next(one for one in app.settings.newsletters if one.slug == subscription.newsletter)
    choices = Choices(subscription.topics, subscription.frequency, person.timezone, person.language)
    wish = Wish(person.email, person.address, person.name, choices, confirmed=False)
    wanted = SignUp(person.email, newsletter, None, "", "", "")
    with app.store.writing() as connection:
        if not allow_invited(app, connection, person.address):
            return False
        _keep(app, connection, wanted, wish, evidence)
        return True


def newsletter_of(app: App, slug: str) -> NewsletterSettings:
    """The newsletter that a form names, or the only one there is; a `UsageError` where it is none."""
    current = app.newsletters(None)
    found = [one for one in current if one.slug == slug] if slug else list(current[:1])
    if not found:
        raise UsageError("there is no such newsletter")
    return found[0]
