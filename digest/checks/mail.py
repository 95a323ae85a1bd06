"""What checks look at: an issue's widest rendition, as the mail that one reader would get, and what is known beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from digest.audience.links import preferences_url, unsubscribe_url
from digest.catalogue.answered import Answer
from digest.checks.page import Page, read_page
from digest.rendering.assemble import fill
from digest.rendering.content import Envelope, IssueContent, Personal
from digest.rendering.mime import MessageBuilder
from digest.rendering.rendition import Rendition
from digest.rendering.source import Source

_TOKEN = "A" * 32
_DATE = datetime(2026, 11, 23, 9, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class LastIssue:
    """The issue of the same newsletter and frequency that went out before this one: name, subject, and its articles' ids and titles."""

    name: str
    subject: str
    articles: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class SpamReport:
    """SpamAssassin's verdict: points, from how many on a mail is spam, and the rules that gave some, with their points."""

    score: float
    required: float
    rules: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to be checked. `answers` are what its links said, by address: none where nobody asked. `template` is the MJML
    that it was rendered from; None where that is not there any more. `chosen` are the articles that it has to show.
    """

    rendition: Rendition
    content: IssueContent
    html: str
    text: str
    message: bytes
    page: Page
    unsubscribe_url: str
    last: LastIssue | None = None
    answers: Mapping[str, Answer] = field(default_factory=dict)
    spam: SpamReport | None = None
    template: Source | None = None
    chosen: frozenset[int] = frozenset()

    @property
    def links_in_text(self) -> tuple[str, ...]:
        """The words of the text part that may be addresses, in order: bare, and without the brackets or the stop around them."""
        words = re.split(r"[ \t\r\n]+", self.text)
        return tuple(one for word in words for one in dict.fromkeys((word, word.strip("<>"), word.strip("<>()[].,;:!?"))))


def write_mail(rendition: Rendition, content: IssueContent) -> Mail:
    """The mail that a reader called Ada would get."""
    public_url = content.site.public_url
    leave = unsubscribe_url(public_url, _TOKEN)
    personal = Personal(rendition.greeting.to("Ada"), "ada@example.com", preferences_url(public_url, _TOKEN), leave)
    html, text = fill(rendition, personal)
    envelope = Envelope("0" * 32, "1", 1, "ada@example.com", "Ada", personal)
    message = MessageBuilder(rendition).build(envelope, _DATE)
    return Mail(rendition, content, html, text, message, read_page(html), leave)
