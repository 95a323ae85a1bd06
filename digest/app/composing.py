"""Composing letters: what each kind says, in its reader's language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from digest.app.wiring import App
from digest.audience import asking, moving
from digest.audience.finding import subscriber_by_id, subscription_by_id, subscriptions_of
from digest.audience.links import page_url, unsubscribe_url
from digest.audience.tokens import Purpose, make_expiring_token, make_token
from digest.audience.topics import ALL_TOPICS
from digest.delivery.letters import TRIED_FOR, Kind, Letter
from digest.languages import Words, locale_of, read_catalogues, words_in
from digest.rendering.content import SenderContent, SiteContent
from digest.rendering.letter import LetterText, render_letter
from digest.rendering.rendition import Rendition
from digest.settings import NewsletterSettings

_NOBODY = 0
"""No subscription has this number: a link for it ends nothing, and answers as every other."""


@dataclass(frozen=True, slots=True)
class Composed:
    """A letter that can be sent. `unsubscribe` is the address in its List-Unsubscribe."""

    rendition: Rendition
    unsubscribe: str


@dataclass(frozen=True, slots=True)
class _Draft:
    newsletter: str
    subscription: int
    subject: str
    paragraphs: tuple[str, ...]
    button: str
    link: str
    after: tuple[str, ...]


def compose(app: App, connection: Connection, letter: Letter) -> Composed | None:
    """The letter as it stands now; None when what it asks for is over."""
    words = words_in(letter.language, read_catalogues(app.template_folders))
    draft = _KINDS[letter.kind](app, connection, letter, words)
    if draft is None:
        return None
    text = LetterText(
        name=letter.kind.value.replace(" ", "-"),
        language=letter.language,
        direction="rtl" if locale_of(letter.language).character_order == "right-to-left" else "ltr",
        subject=draft.subject,
        paragraphs=draft.paragraphs,
        button=draft.button,
        link=draft.link,
        after=draft.after,
    )
    of = app.settings
    site = SiteContent(of.site.name, of.site.url, of.site.public_url, of.site.postal_address, of.site.logo, of.site.colour)
    sender = SenderContent(of.sender.name, of.sender.address, of.sender.reply_to)
    token = make_token(app.key, Purpose.UNSUBSCRIBE, draft.subscription)
    rendition = render_letter(text, site=site, sender=sender, newsletter=draft.newsletter)
    return Composed(rendition, unsubscribe_url(app.settings.site.public_url, token))


def _confirm(app: App, connection: Connection, letter: Letter, words: Words) -> _Draft | None:
    found = asking.find(connection, letter.about, now=app.now)
    newsletter = None if found is None else _newsletter(app, found.newsletter)
    if found is None or newsletter is None or found.confirmed_at is not None:
        return None
    say = words.translate
    topics = _titles(newsletter, found.topics)
    return _Draft(
        newsletter=newsletter.slug,
        subscription=_NOBODY,
        subject=say("Please confirm: %(newsletter)s") % {"newsletter": newsletter.title},
        paragraphs=(
            say("Somebody, we hope you, asked us to send %(newsletter)s to this address.") % {"newsletter": newsletter.title},
            say("Topics: %(topics)s") % {"topics": ", ".join(topics)} if topics else say("Topics: all of them"),
        ),
        button=say("Confirm"),
        link=_link(app, "confirm", Purpose.CONFIRM, found.id, found.ends_at),
        after=(say("If it was not you, do nothing: without your confirmation you get no more mail from us."),),
    )


def _move_from(app: App, connection: Connection, letter: Letter, words: Words) -> _Draft | None:
    return _move(app, connection, letter, words, Purpose.MOVE_FROM)


def _move_to(app: App, connection: Connection, letter: Letter, words: Words) -> _Draft | None:
    return _move(app, connection, letter, words, Purpose.MOVE_TO)


def _move(app: App, connection: Connection, letter: Letter, words: Words, purpose: Purpose) -> _Draft | None:
    found = moving.find(connection, letter.about, now=app.now)
    theirs = () if found is None else subscriptions_of(connection, found.subscriber_id)
    if found is None or found.done_at is not None or not theirs:
        return None
    say = words.translate
    asked = (
        say("Somebody, we hope you, asked us to write to %(email)s from now on, and not to this address any more.")
        if purpose is Purpose.MOVE_FROM
        else say("Somebody, we hope you, asked us to write to this address, %(email)s, from now on.")
    )
    return _Draft(
        newsletter=theirs[0].newsletter,
        subscription=theirs[0].id if purpose is Purpose.MOVE_FROM else _NOBODY,
        subject=say("Please confirm your new address"),
        paragraphs=(asked % {"email": found.email}, say("Both addresses have to agree; we have written to the other one, too.")),
        button=say("Agree"),
        link=_link(app, "move", purpose, found.id, found.ends_at),
        after=(say("If it was not you, do nothing, and nothing changes."),),
    )


def _erase(app: App, connection: Connection, letter: Letter, words: Words) -> _Draft | None:
    found = subscription_by_id(connection, letter.about)
    if found is None or subscriber_by_id(connection, found.subscriber_id) is None:
        return None
    say = words.translate
    return _Draft(
        newsletter=found.newsletter,
        subscription=found.id,
        subject=say("Please confirm that we shall erase you"),
        paragraphs=(say("Somebody, we hope you, asked us to erase everything that we know of you. There is no way back."),),
        button=say("Go on"),
        link=_link(app, "erase", Purpose.ERASE, found.id, letter.created_at + TRIED_FOR),
        after=(say("If it was not you, do nothing, and nothing changes."),),
    )


_KINDS: dict[Kind, Callable[[App, Connection, Letter, Words], _Draft | None]] = {
    Kind.CONFIRM: _confirm,
    Kind.MOVE_FROM: _move_from,
    Kind.MOVE_TO: _move_to,
    Kind.ERASE: _erase,
}


def _link(app: App, page: str, purpose: Purpose, number: int, ends_at: datetime) -> str:
    return page_url(app.settings.site.public_url, page, make_expiring_token(app.key, purpose, number, ends_at))


def _newsletter(app: App, slug: str) -> NewsletterSettings | None:
    return next((one for one in app.settings.newsletters if one.slug == slug and one.current), None)


def _titles(newsletter: NewsletterSettings, topics: str) -> list[str]:
    """The titles of some topics, in the newsletter's order; none for all of them."""
    words = set(topics.split())
    return [] if topics == ALL_TOPICS else [topic.title for slug, topic in newsletter.offered.items() if slug in words]
