"""Turns: one turn asks the step machine what to do, carries it out, and listens.

Everything that concerns the ledger in a turn is one transaction, so lanes share a commit; the machine is told what came
of it only then, and so a delivery is handed to a lane only after its mark is durable. Clock, store, ledger and lanes are
passed in: the same code runs in a simulation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection

from digest.delivery.account import next_retry
from digest.delivery.allowance import Allowance, take
from digest.delivery.dispatch import Dispatch
from digest.delivery.engines.lanes import Job
from digest.delivery.envelopes import EnvelopeMaker
from digest.delivery.heeding import heed_waiting
from digest.delivery.ledger import LeaseLost, Ledger, NotSendable, Recipient, Stale
from digest.delivery.pacing import Pace
from digest.delivery.providers.answer import Answer, Outcome, Trouble
from digest.delivery.providers.port import longest_send
from digest.delivery.shelf import Shelf
from digest.delivery.steps import (
    Answered,
    Claim,
    ClaimAnswered,
    Event,
    Finish,
    Mark,
    Marked,
    MarkRefused,
    Release,
    Send,
    Settle,
    Settled,
    Step,
)
from digest.delivery.upkeep import drop, replan
from digest.rendering.rendition import Rendition
from digest.settings import Delivery
from digest.store.database import Store

CLAIM_LEASE = timedelta(seconds=30)
_DAY = 86_400  # seconds
_OURS = frozenset({Trouble.CONNECTION, Trouble.ACCOUNT, Trouble.CONTENT})  # troubles of nobody's mailbox
_LISTEN = 0.5  # seconds between looks at the clock while nothing happens
_MARGIN = timedelta(minutes=2)  # by which a batch's deadline outlives the longest a request may take


class Carriers(Protocol):
    """What carries jobs: threads with connections, or a simulation of them."""

    def send(self, lane: int, job: Job) -> None:
        """Begin a job; its answer will be heard."""
        ...

    def hear(self, seconds: float) -> list[Answered]:
        """Every answer there is, waiting up to so long for the first."""
        ...


class Turns:
    """The turns of one dispatch."""

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        carriers: Carriers,
        shelf: Shelf,
        envelopes: EnvelopeMaker,
        settings: Delivery,
        pace: Pace,
        clock: Callable[[], datetime],
        allowances: Sequence[Allowance] = (),
    ) -> None:
        self._store, self._ledger, self._carriers = store, ledger, carriers
        self._shelf, self._envelopes, self._settings, self._clock = shelf, envelopes, settings, clock
        self._allowances = allowances
        self.machine = Dispatch(pace, clock())
        self.outcomes: dict[Outcome, int] = dict.fromkeys(Outcome, 0)
        self._longest = longest_send(settings)
        self._deadlines: dict[int, datetime] = {}
        self._people: dict[int, dict[int, Recipient]] = {}
        self._renditions: dict[int, Rendition] = {}
        self._sub_revisions: dict[int, int] = {}
        self._renewed_at = clock()

    def turn(self) -> None:
        """Do what the machine says; where it has nothing to say, listen."""
        now = self._clock()
        steps = self.machine.next(now)
        for step in steps:
            if isinstance(step, Send):
                envelopes = [self._envelopes.make(self._people[step.lane][one]) for one in step.recipients]
                self._carriers.send(step.lane, Job(self._renditions[step.lane], envelopes))
        writing = [step for step in steps if not isinstance(step, Send)]
        if writing:
            for event in self._write(writing):
                self.machine.hear(event, now)
        for answered in self._carriers.hear(0 if steps else self._patience(now)):
            self.machine.hear(answered, self._clock())
        self._renew(now)

    def _patience(self, now: datetime) -> float:
        until = self.machine.wait_until(now)
        return _LISTEN if until is None else min(_LISTEN, max(0.001, (until - now).total_seconds()))

    def _write(self, steps: Sequence[Step]) -> list[Event]:
        """Carry out ledger steps in one transaction; what they brought holds once it is committed."""
        now = self._clock()
        with self._store.writing(together=True) as connection:
            return [event for step in steps if (event := self._do(connection, step, now)) is not None]

    def _do(self, connection: Connection, step: Step, now: datetime) -> Event | None:
        match step:
            case Claim(lane=lane, size=size):
                return self._claim(connection, lane, size, now)
            case Mark():
                return self._mark(connection, step, now)
            case Settle():
                return self._settle(connection, step, now)
            case Release(batch=batch, recipients=recipients, until=until):
                self._ledger.release(connection, batch, recipients, now=now, until=until)
            case Finish(batch=batch):
                self._ledger.finish(connection, batch, now=now)
                self._deadlines.pop(batch, None)
        return None

    def _claim(self, connection: Connection, lane: int, size: int, now: datetime) -> Event:
        replanned = False
        while True:
            sub_revision = self._shelf.sub_revision
            found = self._ledger.claim(connection, size, now=now, lease=CLAIM_LEASE, sub_revision=sub_revision)
            if found is None:
                if replanned or not self._replan(connection, now):
                    return ClaimAnswered(lane, None, next_retry(connection, self._ledger.issue_id))
                replanned = True
                continue
            claimed, people = found
            rendition = self._shelf.take(connection, claimed.rendition)
            if rendition is not None:
                break
            drop(connection, self._ledger, claimed.batch, claimed.rendition, now=now)
        self._renditions[lane], self._sub_revisions[lane] = rendition, sub_revision
        self._people[lane] = {person.subscriber_id: person for person in people}
        self._deadlines[claimed.batch] = now
        return ClaimAnswered(lane, claimed)

    def _replan(self, connection: Connection, now: datetime) -> int:
        """Plan what was deferred and has come due, but for those of whom an event has told meanwhile."""
        heed_waiting(connection, self._ledger.issue_id, actor=self._ledger.owner, now=now)
        return replan(connection, self._ledger, now=now)

    def _mark(self, connection: Connection, step: Mark, now: datetime) -> Event:
        """Mark as many as the allowances let us; what of those was not marked is given back to them."""
        granted, short = take(self._allowances, connection, len(step.recipients), now)
        if short is not None and not granted:
            return MarkRefused(step.lane, short.spent(now), ending=short.ending)
        event = self._mark_some(connection, step, step.recipients[:granted], now)
        unused = granted - len(event.recipients) if isinstance(event, Marked) else granted
        for allowance in self._allowances if unused else ():
            allowance.give_back(connection, unused, now)
        return event

    def _mark_some(self, connection: Connection, step: Mark, whose: tuple[int, ...], now: datetime) -> Marked | MarkRefused:
        try:
            if self._deadlines[step.batch] < now + self._longest:
                self._keep(connection, step.batch, now, now + self._longest + _MARGIN)
            sub_revision = self._sub_revisions[step.lane]
            marked = self._ledger.mark(connection, step.batch, whose, now=now, sub_revision=sub_revision)
        except LeaseLost:
            return MarkRefused(step.lane, "another process took over")
        except Stale:
            self._shelf.refresh(connection)
            return MarkRefused(step.lane, "an article was withdrawn", again=True)
        except NotSendable as error:
            return MarkRefused(step.lane, str(error))
        return Marked(step.lane, tuple(marked), step.recipients[len(whose) :])

    def _settle(self, connection: Connection, step: Settle, now: datetime) -> Event:
        people = self._people[step.lane]
        retry_at = {one: now + self._back_off(people[one].attempts + 1, step.answer) for one in step.recipients}
        self._ledger.settle(connection, step.batch, step.recipients, step.answer, now=now, retry_at=retry_at)
        for outcome in step.answer.outcomes:
            self.outcomes[outcome] += 1
        return Settled(step.lane)

    def _back_off(self, attempt: int, answer: Answer) -> timedelta:
        """The provider's word, or `retry_first` thrice as long with each attempt, at most a day; none for what was not their fault."""
        if answer.trouble in _OURS:
            return timedelta(0)
        if answer.retry_after is not None:
            return timedelta(seconds=min(answer.retry_after, _DAY))
        factor: int = 3 ** min(attempt - 1, 20)
        return min(self._settings.retry_first * factor, timedelta(days=1))

    def _renew(self, now: datetime) -> None:
        """Our claims stay ours while we live."""
        if now - self._renewed_at < CLAIM_LEASE / 3:
            return
        self._renewed_at = now
        held = [lane.claimed.batch for lane in self.machine.lanes if lane.claimed is not None]
        if held:
            with self._store.writing(together=True) as connection:
                for batch in held:
                    # One that was lost is found out at its next mark, where it matters.
                    self._ledger.renew(connection, batch, now=now, lease=CLAIM_LEASE, deadline=self._deadlines[batch])

    def _keep(self, connection: Connection, batch: int, now: datetime, deadline: datetime) -> None:
        if not self._ledger.renew(connection, batch, now=now, lease=CLAIM_LEASE, deadline=deadline):
            raise LeaseLost
        self._deadlines[batch] = deadline
