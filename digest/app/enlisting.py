"""Adding people by hand: one person, who is asked by mail unless the operator vouches for them."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from digest.app.signing_up import invite
from digest.app.wiring import App
from digest.audience.consent import Evidence
from digest.audience.people import BY_COMMAND, Joined, subscribe


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What somebody is to get. None: not given."""

    name: str | None = None
    topics: str | None = None
    frequency: str | None = None
    timezone: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Added:
    """How that came out. `waits`: they have yet to confirm; `written`: a mail now asks them to."""

    joined: Joined
    waits: bool
    written: bool


def add(
    app: App,
    email: str,
    newsletter: str | None,
    terms: Terms,
    *,
    confirmed: bool = False,
    evidence: Evidence = BY_COMMAND,
) -> Added:
    """Add one person, or change what they get. A `UsageError` says what cannot be."""
    found = app.the_newsletter(newsletter)
    with app.store.writing() as connection:
        joined = subscribe(connection, found, email, **asdict(terms), confirmed=confirmed, now=app.now, evidence=evidence)
    waits = joined.subscription.state == "pending" and not joined.suppressed
    return Added(joined, waits, waits and invite(app, joined.subscriber, joined.subscription, evidence))
