"""Agreeing: what is asked for on a page, and done only when somebody who reads the mail agrees to it.

A link that is in every mail may be forwarded with it. So nobody is erased, nobody's address is changed, and nobody's data are
handed out by that link alone.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from digest.app import preferring
from digest.app.allowing import allow_own
from digest.app.knowing import known_of
from digest.app.wiring import App
from digest.audience import erasing, moving, questions
from digest.audience.addresses import canonical_address
from digest.audience.consent import Act, Evidence, write_down
from digest.audience.finding import subscriber_by_id, subscription_by_id, subscriptions_of
from digest.audience.subscription import SubscriptionState
from digest.audience.suppression import is_suppressed
from digest.audience.tokens import Purpose, make_expiring_token
from digest.delivery.forgetting import forget
from digest.delivery.letters import TRIED_FOR, Kind, put
from digest.errors import UsageError
from digest.settings import NewsletterSettings


def ask_to_move(app: App, token: str, email: str) -> None:
    """Write to both addresses; a `UsageError` says what is wrong with the new one. Too often, nothing is written, and nothing said."""
    found = preferring.look(app, token)
    if found is None:
        raise UsageError("this link is about nobody that we know")
    address, person = canonical_address(email), found.person
    if address == person.address:
        raise UsageError("that is the address we write to now")
    language = person.language or app.settings.site.language
    with app.store.writing() as connection:
        if not allow_own(app, connection, "move", person.address, address):
            return
        number = moving.begin(connection, person.id, email.strip(), address, now=app.now)
        for kind, to, canonical in (
            (Kind.MOVE_FROM, person.email, person.address),
            (Kind.MOVE_TO, email.strip(), address),
        ):
            _put(app, connection, kind, number, to, canonical, language)


def ask_to_erase(app: App, token: str) -> None:
    """Write to the person, with a link that erases them; too often, nothing is written, and nothing said."""
    _ask_for(app, token, Kind.ERASE)


def ask_to_download(app: App, token: str) -> None:
    """Write to the person, with a link to what is known of them; too often, nothing is written, and nothing said."""
    _ask_for(app, token, Kind.DOWNLOAD)


def _ask_for(app: App, token: str, kind: Kind) -> None:
    found = preferring.look(app, token)
    if found is None:
        raise UsageError("this link is about nobody that we know")
    person = found.person
    with app.store.writing() as connection:
        if not allow_own(app, connection, kind, person.address):
            return
        language = person.language or app.settings.site.language
        _put(app, connection, kind, found.subscription.id, person.email, person.address, language)


def erase_without_letter(app: App, token: str) -> str | None:
    """The token that a letter would bring to who wants to be erased, where no letter may go to them since their address is suppressed.

    Their own link has to do then: who holds it besides them can take away nothing that they would miss, for they get no mail, and
    that they get none outlives it.
    """
    found = preferring.look(app, token)
    if found is None:
        return None
    with app.store.reading() as connection:
        shut = is_suppressed(connection, found.person.address, found.subscription.newsletter)
    return make_expiring_token(app.key, Purpose.ERASE, found.subscription.id, app.now + TRIED_FOR) if shut else None


def can_move(app: App, purpose: Purpose, token: str) -> bool:
    """Whether a link still asks for agreement; reads only."""
    number = app.which(purpose, token)
    if number is None:
        return False
    with app.store.reading() as connection:
        found = moving.look(connection, number, now=app.now)
    return found is not None and found.done_at is None


def move(app: App, purpose: Purpose, token: str, evidence: Evidence) -> str:
    """One address agrees: `waiting` for the other, `moved`, `taken` (by somebody), or `over`."""
    number = app.which(purpose, token)
    if number is None:
        return "over"
    with app.store.writing() as connection:
        if moving.find(connection, number, now=app.now) is None:
            return "over"
        moving.agree(connection, number, old=purpose is Purpose.MOVE_FROM, now=app.now)
        found = moving.find(connection, number, now=app.now)
        if found is None:
            return "over"
        both = found.old_agreed_at is not None and found.new_agreed_at is not None
        if found.done_at is not None:
            return "moved" if both else "over"
        if not both:
            return "waiting"
        if not moving.carry_out(connection, found, now=app.now):
            return "taken"
        for one in subscriptions_of(connection, found.subscriber_id):
            write_down(connection, Act.MOVED, one, evidence, before=None, now=app.now)
        return "moved"


def asked_to_stay(app: App, token: str) -> NewsletterSettings | None:
    """Of which newsletter a link asks whether they want to go on, answered or not; None where it is over. Reads only."""
    number = app.which(Purpose.STAY, token)
    with app.store.reading() as connection:
        found = None if number is None else subscription_by_id(connection, number)
    if found is None or found.state is SubscriptionState.UNSUBSCRIBED:
        return None
    return next((one for one in app.newsletters(None) if one.slug == found.newsletter), None)


def stay(app: App, token: str, evidence: Evidence) -> NewsletterSettings | None:
    """They want to go on: written down once, however often it is said. None where the link is over."""
    number = app.which(Purpose.STAY, token)
    with app.store.writing() as connection:
        found = None if number is None else subscription_by_id(connection, number, lock=True)
        if found is not None and questions.open_question(connection, found) is not None:
            write_down(connection, Act.STAYED, found, evidence, before=None, now=app.now)
    return asked_to_stay(app, token)


def speaks(app: App, purpose: Purpose, token: str) -> bool:
    """Whether a link to erase or to download still speaks for somebody; reads only."""
    number = app.which(purpose, token)
    if number is None:
        return False
    with app.store.reading() as connection:
        return subscription_by_id(connection, number) is not None


def erase(app: App, token: str) -> None:
    """Take the person out for good; once more, it changes nothing. `Refused` while a mail to them is being sent."""
    number = app.which(Purpose.ERASE, token)
    with app.store.writing() as connection:
        found = None if number is None else subscription_by_id(connection, number, lock=True)
        if found is not None:
            forget(connection, found.subscriber_id)
            erasing.erase(connection, found.subscriber_id)


def download(app: App, token: str) -> dict[str, Any] | None:
    """Everything that is known of a person; None when the link is over. Reads only."""
    number = app.which(Purpose.DOWNLOAD, token)
    with app.store.reading() as connection:
        found = None if number is None else subscription_by_id(connection, number)
        person = None if found is None else subscriber_by_id(connection, found.subscriber_id)
        return None if person is None else known_of(connection, person)


def _put(app: App, connection: Connection, kind: Kind, about: int, email: str, address: str, language: str) -> None:
    put(connection, kind, about, email=email, address=address, language=language, now=app.now, real=datetime.now(UTC))
