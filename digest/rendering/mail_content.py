"""What a template sees of the mails that Digest sends by itself, beside issues: plain frozen data, one class for each mail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Confirm:
    """`mail` in the template `confirm`: asks who subscribed whether they did. `topics` are titles."""

    newsletter: str
    topics: tuple[str, ...]
    email: str
    url: str


@dataclass(frozen=True, slots=True)
class Welcome:
    """`mail` in the template `welcome`: says that a subscription is confirmed, and when the next issue comes, if that is known."""

    newsletter: str
    topics: tuple[str, ...]
    email: str
    next_on: date | None
    preferences_url: str
    unsubscribe_url: str


@dataclass(frozen=True, slots=True)
class SignIn:
    """`mail` in the template `sign-in`: lets an editor in, once, for so many minutes."""

    email: str
    minutes: int
    url: str


@dataclass(frozen=True, slots=True)
class IssueReady:
    """`mail` in the template `issue-ready`: asks an editor to look at an issue before its slot, a time in the newsletter's zone."""

    newsletter: str
    number: int
    subject: str
    articles: int
    slot_at: datetime
    url: str


OwnMail = Confirm | Welcome | SignIn | IssueReady

OWN_MAILS: dict[str, type[OwnMail]] = {"confirm": Confirm, "welcome": Welcome, "sign-in": SignIn, "issue-ready": IssueReady}
"""The mails by the names of their templates."""
