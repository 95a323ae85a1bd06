"""Lifting a suppression: who may be mailed again is owed what bounced, in the same transaction."""

from __future__ import annotations

from dataclasses import dataclass

from digest.app.wiring import App
from digest.audience import lifting
from digest.audience.finding import find_subscriber
from digest.audience.suppression import Suppressed, is_suppressed
from digest.delivery.owing import owe_what_bounced


@dataclass(frozen=True, slots=True)
class Lifted:
    """What was lifted, and how many articles of mails that bounced are owed again."""

    lifted: tuple[Suppressed, ...]
    owed: int


def lift(app: App, email: str, scope: str | None, *, why: str, actor: str, though_they_complained: bool) -> Lifted:
    """Take a suppression back. `Refused` for a complaint, unless that is said, and while a mail that bounced has not settled."""
    with app.store.writing() as connection:
        lifted = lifting.lift(
            connection, email, scope, why=why, actor=actor, though_they_complained=though_they_complained, now=app.now
        )
        person = find_subscriber(connection, email)
        if person is None:
            return Lifted(lifted, 0)
        open_again = [one for one in app.settings.newsletters if not is_suppressed(connection, email, one.slug)]
        return Lifted(lifted, owe_what_bounced(connection, person.id, {one.slug: one.carry_over for one in open_again}))
