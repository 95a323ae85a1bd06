"""Signing up: somebody asks, a letter goes to the address, and who reads it confirms.

Whoever asks sees the same whether the address is new, known, suppressed or asked about again and again. What is stored until the
confirmation touches nobody's subscription.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from digest.app.allowing import DAY, allow
from digest.app.wiring import App
from digest.audience import asking
from digest.audience.asking import Asking
from digest.audience.consent import Act, Evidence, Source, write_down
from digest.audience.people import subscribe
from digest.audience.proving import Judged, Proof, judge, make_challenge
from digest.audience.suppression import is_suppressed
from digest.audience.tallying import count, hashed, many
from digest.audience.tokens import Purpose
from digest.audience.topics import ALL_TOPICS
from digest.audience.wish import Offer, Wish, choose, make_wish
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


@dataclass(frozen=True, slots=True)
class Waiting:
    """A sign-up whose link was opened."""

    newsletter: NewsletterSettings
    topics: tuple[str, ...]
    language: str | None
    confirmed: bool


def wording(app: App, newsletter: NewsletterSettings, language: str) -> str:
    """What somebody agrees to, as the form says it. Who changes it counts `WORDING_VERSION` up."""
    translate = words_in(language, read_catalogues(app.template_folders)).translate
    return translate("I want %(newsletter)s of %(site)s by e-mail, until I unsubscribe. Every mail has a link for that.") % {
        "newsletter": newsletter.title,
        "site": app.settings.site.name,
    }


def challenge(app: App) -> str:
    """What a form carries."""
    return make_challenge(app.key, app.now)


def price_paid(app: App, challenge: str, number: str) -> Judged:
    """Whether whoever posted a form has worked, or waited, for it; a challenge that was used is none any more."""
    judged = judge(app.key, challenge, number, app.now)
    if judged.proof is not Proof.GOOD:
        return judged
    used = hashed(app.key, "challenge", challenge)
    with app.store.writing() as connection:
        if many(connection, used, since=app.now - DAY):
            return Judged(Proof.NONE)
        count(connection, used, now=app.now)
    return judged


def check(wanted: SignUp) -> Wish:
    """What was filled in, understood; a `UsageError` says what cannot be."""
    topics = None if wanted.topics is None else " ".join(wanted.topics)
    choices = choose(Offer.of(wanted.newsletter), topics, wanted.frequency, wanted.timezone, wanted.language)
    return make_wish(wanted.email, None, choices, confirmed=False)


def ask(app: App, wanted: SignUp, evidence: Evidence, *, proved: bool = True) -> None:
    """Keep a sign-up, and a letter about it, unless one was asked for too often. A `UsageError` says what cannot be chosen."""
    wish = check(wanted)
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
    language = choices.language or app.settings.site.language
    with app.store.writing() as connection:
        if allow(app, connection, wish.address, evidence.origin, proved=proved):
            number = asking.keep(connection, kept)
            about: dict[str, str] = {"email": wish.email, "address": wish.address, "language": language}
            put(connection, Kind.CONFIRM, number, now=app.now, real=datetime.now(UTC), **about)


def look(app: App, token: str) -> Waiting | None:
    """What a link would confirm; None when it is over. Changes nothing."""
    number = app.which(Purpose.CONFIRM, token)
    if number is None:
        return None
    with app.store.reading() as connection:
        found = _open(connection, asking.find(connection, number, now=app.now))
    newsletter = None if found is None else _newsletter(app, found)
    if found is None or newsletter is None:
        return None
    words = set(found.topics.split())
    titles = (topic.title for slug, topic in newsletter.offered.items() if slug in words)
    return Waiting(newsletter, tuple(titles), found.language, found.confirmed_at is not None)


def confirm(app: App, token: str, evidence: Evidence) -> Waiting | None:
    """Subscribe whoever asked, as they asked; once more, it changes nothing. None when the link is over."""
    number = app.which(Purpose.CONFIRM, token)
    if number is None:
        return None
    with app.store.writing() as connection:
        found = _open(connection, asking.find(connection, number, now=app.now, lock=True))
        newsletter = None if found is None else _newsletter(app, found)
        if found is not None and newsletter is not None and asking.mark_confirmed(connection, number, now=app.now):
            _join(app, connection, found, newsletter, evidence)
    return look(app, token)


def _open(connection: Connection, found: Asking | None) -> Asking | None:
    """A sign-up that may be confirmed: not one of who must not be mailed, for they complained about its letter, say."""
    return None if found is None or is_suppressed(connection, found.address, found.newsletter) else found


def _join(app: App, connection: Connection, found: Asking, newsletter: NewsletterSettings, evidence: Evidence) -> None:
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


def _still_offered(found: Asking, newsletter: NewsletterSettings) -> str:
    """Their topics, less what is not offered any more; all of them where nothing else is left."""
    return ALL_TOPICS if found.topics == ALL_TOPICS else " ".join(set(found.topics.split()) & newsletter.offered.keys())


def _newsletter(app: App, found: Asking) -> NewsletterSettings | None:
    return next((one for one in app.newsletters(None) if one.slug == found.newsletter), None)


def newsletter_of(app: App, slug: str) -> NewsletterSettings:
    """The newsletter that a form names, or the only one there is; a `UsageError` where it is none."""
    current = app.newsletters(None)
    found = [one for one in current if one.slug == slug] if slug else list(current[:1])
    if not found:
        raise UsageError("there is no such newsletter")
    return found[0]
