"""Previews: exactly what a person would get, from the very code that sends."""

from __future__ import annotations

from dataclasses import dataclass

from digest.app.wiring import App
from digest.delivery.envelopes import EnvelopeMaker
from digest.delivery.recipient import Recipient
from digest.delivery.shelf import Shelf, widest_arrangement
from digest.errors import Refused
from digest.insights.reading import standing
from digest.issues.issue import Issue
from digest.rendering.assemble import fill
from digest.rendering.content import Envelope, Personal
from digest.rendering.rendition import Rendition


@dataclass(frozen=True, slots=True)
class Preview:
    """One mail, as a mail program would show it."""

    subject: str
    html: str
    text: str


def preview(app: App, issue: Issue, email: str | None, language: str | None = None) -> Preview:
    """What `email` would get of an issue; without one, what somebody who follows everything gets, with inert links.

    In one of the issue's languages: theirs, or the newsletter's, unless another is asked for.
    """
    if not issue.rendered:
        raise Refused(f"issue {issue.name} cannot be shown: {issue.reason}")
    if email is None:
        with app.store.reading() as connection:
            rendition = Shelf(connection, issue).assemble(widest_arrangement(connection, issue), 0, language)
        personal = nobody(rendition)
    else:
        rendition, envelope = addressed(app, issue, email, language)
        personal = envelope.personal
    html, text = fill(rendition, personal)
    return Preview(rendition.subject, html, text)


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
