"""Previews: exactly what a person would get, from the very code that sends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from digest.app.wiring import App
from digest.delivery.envelopes import EnvelopeMaker
from digest.delivery.recipient import Recipient
from digest.delivery.shelf import Shelf, widest_arrangement
from digest.errors import Refused
from digest.insights.reading import standing
from digest.issues.issue import Issue
from digest.rendering.assemble import fill
from digest.rendering.content import Envelope, Personal
from digest.rendering.mime import MessageBuilder
from digest.rendering.rendition import Rendition

NOWHERE = "https://example.invalid/nobodys"
"""Where the headers of nobody's mail lead: they must name an address, and this one is nobody's by RFC 2606."""


@dataclass(frozen=True, slots=True)
class Preview:
    """One mail, as a mail program would show it."""

    subject: str
    html: str
    text: str


@dataclass(frozen=True, slots=True)
class Seen:
    """One mail as it would leave: the rendition, and the envelope of who gets it, or of nobody."""

    rendition: Rendition
    envelope: Envelope
    personal: Personal

    @property
    def preview(self) -> Preview:
        """What a mail program would show."""
        html, text = fill(self.rendition, self.personal)
        return Preview(self.rendition.subject, html, text)

    def headers(self, at: datetime) -> Sequence[tuple[str, str]]:
        """Every header of the message that SMTP would carry at this time, in its order, as it is written, line breaks and all."""
        head = MessageBuilder(self.rendition).build(self.envelope, at).partition(b"\r\n\r\n")[0].decode("ascii")
        unfolded = head.replace("\r\n ", "\n ").split("\r\n")
        return [(name, value) for name, _, value in (line.partition(": ") for line in unfolded)]


def preview(app: App, issue: Issue, email: str | None, language: str | None = None) -> Preview:
    """What `email` would get of an issue; without one, what somebody who follows everything gets, with inert links.

    In one of the issue's languages: theirs, or the newsletter's, unless another is asked for.
    """
    return seen(app, issue, email, language).preview


def seen(app: App, issue: Issue, email: str | None, language: str | None = None, *, masked: bool = False) -> Seen:
    """The mail itself. `masked`: what `email` gets, and nothing that says who they are."""
    if not issue.rendered:
        raise Refused(f"issue {issue.name} cannot be shown: {issue.reason}")
    if email is None:
        with app.store.reading() as connection:
            return of_nobody(Shelf(connection, issue).assemble(widest_arrangement(connection, issue), 0, language))
    rendition, envelope = addressed(app, issue, email, language)
    return of_nobody(rendition) if masked else Seen(rendition, envelope, envelope.personal)


def of_nobody(rendition: Rendition) -> Seen:
    """A rendition as whoever looks at it has it, who is not one of its readers."""
    personal = nobody(rendition)
    return Seen(rendition, Envelope("nobodys", "1", 0, personal.email, None, nobody(rendition, NOWHERE)), personal)


def nobody(rendition: Rendition, link: str = "#", email: str = "reader@example.com") -> Personal:
    """Whoever looks at a rendition that is not theirs: no name, and links that lead nowhere."""
    return Personal(greeting=rendition.greeting.to(None), email=email, preferences_url=link, unsubscribe_url=link)


def addressed(app: App, issue: Issue, email: str, language: str | None = None) -> tuple[Rendition, Envelope]:
    """One subscriber's rendition and envelope; in their language, unless another is asked for."""
    with app.store.reading() as connection:
        found = standing(connection, issue, email)
        if found.arrangement is None:
            raise Refused(
                f"issue {issue.name} holds nothing for {email}; `digest explain {issue.name} --subscriber {email}` says why"
            )
        shelf = Shelf(connection, issue)
        # What is planned keeps its arrangement: composed anew, another article might lead in place of a withdrawn one.
        planned = None if found.rendition is None or language else shelf.take(connection, found.rendition)
        rendition = planned or shelf.assemble(found.arrangement, found.rendition or 0, language or found.language)
    person = found.subscriber
    recipient = Recipient(person.id, found.subscription.id, person.address, person.email, person.name, 0)
    maker = EnvelopeMaker(app.key, app.settings.site.public_url, issue, app.settings.unsubscribe_by_mail)
    return rendition, maker.make(recipient, rendition)
