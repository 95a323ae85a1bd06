"""Turns: one turn asks the step machine what to do, carries it out, and listens.

Everything that concerns the ledger in a turn is one transaction, so lanes share a commit; the machine is told what came
of it only then, and so a delivery is handed to a lane only after its mark is durable. Clock, store, ledger and lanes are
passed in: the same code runs in a simulation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from digest.delivery.allowance import Allowance, take
from digest.delivery.dispatch import Dispatch
from digest.delivery.engines.books import Books, Taken
from digest.delivery.engines.lanes import Job
from digest.delivery.envelopes import EnvelopeMaker
from digest.delivery.ledger import LeaseLost, NotSendable, Recipient, Stale
from digest.delivery.pacing import Pace
from digest.delivery.providers.answer import Answer, Outcome, Trouble
from digest.delivery.providers.port import longest_send
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
from digest.settings import Delivery

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
        books: Books,
        carriers: Carriers,
        envelopes: EnvelopeMaker,
        settings: Delivery,
        pace: Pace,
        clock: Callable[[], datetime],
        allowances: Sequence[Allowance] = (),
    ) -> None:
        self._books, self._carriers, self._envelopes = books, carriers, envelopes
        self._settings, self._clock = settings, clock
        self._allowances = allowances
        self.machine = Dispatch(pace, clock())
        self.outcomes: dict[Outcome, int] = dict.fromkeys(Outcome, 0)
        self._longest = longest_send(settings)
        self._deadlines: dict[int, datetime] = {}
        self._people: dict[int, dict[int, Recipient]] = {}
        self._taken: dict[int, Taken] = {}
        self._renewed_at = clock()

    def turn(self) -> None:
        """Do what the machine says; where it has nothing to say, listen."""
        now = self._clock()
        steps = self.machine.next(now)
        for step in steps:
            if isinstance(step, Send):
                envelopes = [self._envelopes.make(self._people[step.lane][one]) for one in step.recipients]
                self._carriers.send(step.lane, Job(self._taken[step.lane].rendition, envelopes))
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
        with self._books.writing() as at:
            return [event for step in steps if (event := self._do(at, step, now)) is not None]

    def _do(self, at: Any, step: Step, now: datetime) -> Event | None:
        match step:
            case Claim(lane=lane, size=size):
                return self._claim(at, lane, size, now)
            case Mark():
                return self._mark(at, step, now)
            case Settle():
                return self._settle(at, step, now)
            case Release(batch=batch, recipients=recipients, until=until):
                self._books.release(at, batch, recipients, now=now, until=until)
            case Finish(batch=batch):
                self._books.finish(at, batch, now=now)
                self._deadlines.pop(batch, None)
        return None

    def _claim(self, at: Any, lane: int, size: int, now: datetime) -> Event:
        taken = self._books.claim(at, size, now=now, lease=CLAIM_LEASE)
        if not isinstance(taken, Taken):
            return ClaimAnswered(lane, None, taken)
        self._taken[lane] = taken
        self._people[lane] = {person.subscriber_id: person for person in taken.people}
        self._deadlines[taken.claimed.batch] = now
        return ClaimAnswered(lane, taken.claimed)

    def _mark(self, at: Any, step: Mark, now: datetime) -> Event:
        """Mark as many as the allowances let us; what of those was not marked is given back to them."""
        granted, short = take(self._allowances, at, len(step.recipients), now)
        if short is not None and not granted:
            return MarkRefused(step.lane, short.spent(now), ending=short.ending)
        event = self._mark_some(at, step, step.recipients[:granted], now)
        unused = granted - len(event.recipients) if isinstance(event, Marked) else granted
        for allowance in self._allowances if unused else ():
            allowance.give_back(at, unused, now)
        return event

    def _mark_some(self, at: Any, step: Mark, whose: tuple[int, ...], now: datetime) -> Marked | MarkRefused:
        try:
            if self._deadlines[step.batch] < now + self._longest:
                self._keep(at, step.batch, now, now + self._longest + _MARGIN)
            sub_revision = self._taken[step.lane].sub_revision
            marked = self._books.mark(at, step.batch, whose, now=now, sub_revision=sub_revision)
        except LeaseLost:
            return MarkRefused(step.lane, "another process took over")
        except Stale:
            self._books.refresh(at)
            return MarkRefused(step.lane, "an article was withdrawn", again=True)
        except NotSendable as error:
            return MarkRefused(step.lane, str(error))
        return Marked(step.lane, tuple(marked), step.recipients[len(whose) :])

    def _settle(self, at: Any, step: Settle, now: datetime) -> Event:
        people = self._people[step.lane]
        retry_at = {one: now + self._back_off(people[one].attempts + 1, step.answer) for one in step.recipients}
        self._books.settle(at, step.batch, step.recipients, step.answer, now=now, retry_at=retry_at)
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
            with self._books.writing() as at:
                for batch in held:
                    # One that was lost is found out at its next mark, where it matters.
                    self._books.renew(at, batch, now=now, lease=CLAIM_LEASE, deadline=self._deadlines[batch])

    def _keep(self, at: Any, batch: int, now: datetime, deadline: datetime) -> None:
        if not self._books.renew(at, batch, now=now, lease=CLAIM_LEASE, deadline=deadline):
            raise LeaseLost
        self._deadlines[batch] = deadline
