"""Mailing back: what comes to the bounce address is looked at, written down, and heeded where its token verifies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Connection

from digest.app.hearing import Alarms, apply
from digest.app.opening import DEFECT
from digest.app.wiring import App
from digest.audience.consent import Act, Evidence, Source, write_down
from digest.audience.finding import subscription_by_id
from digest.audience.leaving import end
from digest.audience.tokens import Purpose
from digest.delivery.event import MAIL
from digest.delivery.events import Applied, believed
from digest.delivery.mailed import keeping
from digest.delivery.mailed.bounce_address import BounceAddress
from digest.delivery.mailed.keeping import Outcome
from digest.delivery.mailed.mailbox import Mailbox
from digest.delivery.mailed.sorting import Sort, Sorted, sort_mail
from digest.errors import DigestError
from digest.logs import logger

_log = logger("digest.events")


@dataclass(slots=True)
class TakenIn:
    """What came of some mails: how many came to which outcome, and how many addresses are mailed no more."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    repeated: int = 0
    suppressed: int = 0
    alarming: set[int] = field(default_factory=set)
    """Issues of which something was told that an alarm may ring for, and at which nobody has looked."""

    @property
    def kept(self) -> int:
        """How many there are with which nothing could be done."""
        return self.outcomes[Outcome.NOT_OURS] + self.outcomes[Outcome.UNCLEAR]

    @property
    def all(self) -> int:
        """How many mails that were."""
        return self.outcomes.total() + self.repeated


def take_in(app: App, raw: bytes, source: str, into: TakenIn, recipients: Sequence[str] = ()) -> None:
    """Take in one mail, whatever it is, in one transaction, and look at the alarms; the same mail again changes nothing.
    `recipients`: to whom it was delivered, where the mail system says so."""
    _take_in(app, raw, source, into, recipients)
    Alarms(app).look(into.alarming, at_once=True)


def _take_in(app: App, raw: bytes, source: str, into: TakenIn, recipients: Sequence[str] = ()) -> None:
    clock = datetime.now(UTC)
    base = app.settings.providers.smtp.bounce_address
    found = sort_mail(raw, None if base is None else BounceAddress(base), clock, recipients)
    try:
        _take(app, raw, found, source, clock, into)
    except DigestError:
        raise
    except Exception as error:  # a defect of ours: the mail is kept and shown, and those behind it go on
        _log.error("a mail could not be taken in: %s", type(error).__name__, action="mail_not_taken_in", source=source)
        about = f"it could not be applied, {DEFECT.format(type(error).__name__)}"
        _take(app, raw, Sorted(Sort.STRANGE, (), None, clock, "", about=about), source, clock, into)


def _take(app: App, raw: bytes, found: Sorted, source: str, clock: datetime, into: TakenIn) -> None:
    with app.store.writing() as connection:
        if keeping.is_known(connection, raw):
            into.repeated += 1
            return
        outcome, subscriber, applied = _heed(app, connection, found)
        keeping.keep(connection, raw, found, outcome, source=source, subscriber=subscriber, now=clock)
        keeping.forget_old(connection, now=clock)
    into.outcomes[outcome] += 1
    into.suppressed += applied.suppressed
    into.alarming |= applied.alarming


def _heed(app: App, connection: Connection, found: Sorted) -> tuple[Outcome, int | None, Applied]:
    """What is done, about whom, and what came of it."""
    ours = believed(connection, app.keys(), found.tokens)
    subscriber = None if ours is None else ours[1]  # who is erased takes it along
    event = None if ours is None else found.event(ours[0])
    if event is not None:
        applied = apply(app, connection, [event], MAIL)
        return Outcome.HEEDED if applied.new else Outcome.KNOWN, subscriber, applied
    if found.sort is Sort.LEAVING:
        return *_leave(app, connection, found.leave), Applied()
    if found.finding is not None:
        return Outcome.NOT_OURS, None, Applied()
    return Outcome.UNCLEAR if found.sort is Sort.STRANGE else Outcome.NOTHING, subscriber, Applied()


def _leave(app: App, connection: Connection, token: str) -> tuple[Outcome, int | None]:
    """End the subscription that a token speaks for; once more, it changes nothing."""
    number = app.whose(Purpose.UNSUBSCRIBE, token)
    found = None if number is None else subscription_by_id(connection, number, lock=True)
    if found is None:
        return Outcome.NOT_OURS, None
    if end(connection, found.id, now=app.now):
        write_down(connection, Act.LEFT, found, Evidence(Source.MAIL), before=found, now=app.now)
    return Outcome.LEFT, found.subscriber_id


def read_mailbox(app: App) -> TakenIn:
    """Take in what is unread in the mailbox. `Unreachable` where it cannot be read; what was taken in until then stays so."""
    taken, alarms = TakenIn(), Alarms(app)
    try:
        with Mailbox(app.settings.bounces) as mailbox:
            for uid, raw in mailbox.unread():
                if app.stop.is_set():
                    break
                _take_in(app, raw, "mailbox", taken)
                mailbox.done(uid)
                alarms.look(taken.alarming)
    finally:
        alarms.look(taken.alarming, at_once=True)
    return taken
