"""Handling: what is done at the desk outside of an issue, by whom, each with its line in the audit.

A line names nobody who is or was a subscriber but by their number, so that what is kept of who did what outlives an erasure.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from digest.app import issuing, lifting
from digest.app.lifting import Lifted
from digest.app.wiring import App
from digest.audience.finding import find_subscriber
from digest.catalogue.article import Article
from digest.catalogue.articles import feature as mark
from digest.delivery.transitions import DeliveryState
from digest.delivery.withdrawal import Withdrawal
from digest.delivery.withdrawal import withdraw as take_out
from digest.editors import audit
from digest.errors import Refused, UsageError

VERDICTS = {
    "accepted": DeliveryState.ACCEPTED,
    "not-accepted": DeliveryState.REJECTED,
    "resend": DeliveryState.PLANNED,
}
"""What a person may say of deliveries that are unknown, and what they are then."""

LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class By:
    """Who does it, and from which network."""

    actor: str
    network: str | None


def feature(app: App, article: int, on: bool, by: By) -> Article:
    """Feature an article, or no longer, whatever its source says."""
    with app.store.writing() as connection:
        found = mark(connection, f"number:{article}", on)
        _write_down(app, connection, by, "featured" if on else "featured no longer", f"article {found.id}")
    return found


def withdraw(app: App, article: int, why: str, by: By) -> Withdrawal:
    """Take an article out of everything that has not been sent, with a reason. There is no way back."""
    why = reason(why, "withdrawn")
    with app.store.writing() as connection:
        done = take_out(connection, f"number:{article}", actor=by.actor, now=app.now, why=why)
        _write_down(app, connection, by, "withdrew", f"article {done.article.id}: {why}")
    return done


def lift(app: App, address: str, scope: str, why: str, by: By, *, though_they_complained: bool) -> Lifted:
    """Let an address be mailed again, with a reason; as `digest suppressions lift`. A topic that somebody left is theirs alone to take up."""
    if "/" in scope:
        raise Refused("They left this topic by their own click, and they alone take it up again.")
    why = reason(why, "lifted")
    done = lifting.lift(app, address, scope, why=why, actor=by.actor, though_they_complained=though_they_complained)
    with app.store.writing() as connection:
        person = find_subscriber(connection, address)
        whose = "an address that is no subscriber's" if person is None else f"subscriber {person.id}"
        _write_down(app, connection, by, "lifted a suppression", f"{whose}, {scope}: {why}")
    return done


def resolve(app: App, name: str, verdict: str, why: str, by: By) -> int:
    """Say what became of an issue's unknown deliveries, as `digest issues resolve`; returns how many there were."""
    if verdict not in VERDICTS:
        raise UsageError("verdict: say what became of them: accepted, not-accepted or resend")
    why = reason(why, "resolved")
    done = issuing.resolve(app, issuing.named(app, name), VERDICTS[verdict], by.actor, why)
    with app.store.writing() as connection:
        _write_down(app, connection, by, "resolved unknown deliveries", f"{done:,} of {name} as {verdict}: {why}")
    return done


def reason(text: str, done: str) -> str:
    """A reason in one line; `UsageError` where there is none."""
    said = " ".join(text.split())
    if not said:
        raise UsageError(f"reason: say why it is {done}; it is kept")
    if len(said) > LONGEST_REASON:
        raise UsageError(f"reason: it has {len(said)} characters; write at most {LONGEST_REASON}")
    return said


def _write_down(app: App, connection: Connection, by: By, act: str, about: str) -> None:
    audit.write_down(connection, audit.Line(app.now, by.actor, act, about, by.network))
