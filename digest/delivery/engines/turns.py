"""Turns: one turn hands over what is marked, listens, and writes down what the step machine says.

Everything that concerns the ledger in a turn is one transaction, so lanes share a commit: while it is made the connections
carry what was handed over before it, and what comes of that is the next turn's. The machine is told who is marked only then,
and so a delivery is handed to a lane only after its mark is durable. Clock, store, ledger and lanes are passed in: the same code
runs in a simulation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

from digest.delivery.allowance import Allowance, take
from digest.delivery.backing_off import back_off
from digest.delivery.dispatch import Dispatch
from digest.delivery.engines.books import Books, Load
from digest.delivery.engines.lanes import Job
from digest.delivery.envelopes import EnvelopeMaker
from digest.delivery.pacing import Pace
from digest.delivery.providers.answer import Outcome
from digest.delivery.providers.port import longest_send
from digest.delivery.real_time import elapsed
from digest.delivery.recipient import Recipient
from digest.delivery.refusals import LeaseLost, Refusal, Stale
from digest.delivery.sharing import SharedPace
from digest.delivery.steps import (
    Claim,
    ClaimAnswered,
    Event,
    Finish,
    Heard,
    Mark,
    Marked,
    MarkRefused,
    Release,
    Send,
    Settle,
    Spared,
    Step,
    TakeBack,
)
from digest.settings import Delivery

CLAIM_LEASE = timedelta(seconds=30)
_SOON = timedelta(milliseconds=20)
_LISTEN = 0.5  # seconds between looks at the clock while nothing happens
MARGIN = timedelta(minutes=2)  # by which a batch's deadline outlives the longest a request may take
_LEAST_MARGIN = timedelta(minutes=1)  # and with less than this nothing of it is marked


class Carriers(Protocol):
    """What carries jobs: threads with connections, or a simulation of them."""

    def send(self, lane: int, job: Job) -> None:
        """Begin a job; its answer will be heard."""
        ...

    def recall(self) -> None:
        """Hand over nothing that was not begun; that it was not will be heard."""
        ...

    def hear(self, seconds: float) -> list[Heard]:
        """Every answer there is, waiting up to so long for the first."""
        ...


@dataclass(frozen=True, slots=True)
class _Term:
    """A batch's deadline, whether a send that begins now would end by then, and until when, by the clock of leases, that is so."""

    deadline: datetime
    in_time: Callable[[], bool]
    begin_by: float


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
        shared: SharedPace | None = None,
    ) -> None:
        self._books, self._carriers, self._envelopes = books, carriers, envelopes
        self._settings, self._clock = settings, clock
        self._allowances, self._shared = allowances, shared
        self.machine = Dispatch(pace, clock())
        self.outcomes: dict[Outcome, int] = dict.fromkeys(Outcome, 0)
        self._longest = longest_send(settings)
        self._spare = 0  # lanes for which the last claim of a transaction is enough as well
        self._terms: dict[int, _Term] = {}  # by batch
        self._people: dict[int, dict[int, Recipient]] = {}  # by batch, as its load
        self._loads: dict[int, Load] = {}
        self._marked_at: dict[int, datetime] = {}  # by lane, the last time
        self._renewed_at = clock()
        self._at_once = True
        self._unasked: dict[int, frozenset[int]] = {}  # by batch, marked when they were claimed: within one transaction

    def turn(self) -> None:
        """Hand over what the turn before has marked, listen, and write down: in this order, so that no lane waits for the others' commit."""
        began = self._clock()
        marked = self.machine.sends(began)
        for send in marked:
            self._hand_over(send)
        heard = self._carriers.hear(0 if marked else self._patience(began))
        now = self._clock()
        for one in heard:
            self.machine.hear(one, now)
        steps = self.machine.next(now)
        events = self._write(steps) if steps else []
        for event in events:
            self.machine.hear(event, now)
        # Whoever claimed or was refused has something to do at once; whoever is marked now is waited for.
        self._at_once = not all(isinstance(event, Marked) and event.recipients for event in events)
        self._renew(self._clock())

    def abandon(self, text: str) -> None:
        """Hand over nothing more, and wait no longer: what was begun and has no answer is unknown."""
        self._carriers.recall()
        self.machine.abandon(text)

    def _hand_over(self, send: Send) -> None:
        people, term, envelopes = self._people[send.batch], self._terms[send.batch], self._envelopes
        whose = [people[one] for one in send.recipients]
        ahead = None if send.ahead is None else people.get(send.ahead)  # who was erased has no address
        content = self._loads[send.batch].content
        self._carriers.send(
            send.lane, Job(content, whose, envelopes.make, term.in_time, ahead, envelopes.make_ahead, term.begin_by)
        )

    def _is_in_time(self, deadline: datetime) -> bool:
        """Whether a send that began now would end before its deadline.

        Else this process was held up after the mark: others may take it for lost, and somebody may have it sent again.
        """
        return self._clock() + self._longest <= deadline

    def _patience(self, now: datetime) -> float:
        if self._at_once or self.machine.overdue:
            return 0
        until = self.machine.wait_until(now)
        return _LISTEN if until is None else min(_LISTEN, max(0.001, (until - now).total_seconds()))

    def _write(self, steps: Sequence[Step]) -> list[Event]:
        """Carry out ledger steps in one transaction; what they brought holds once it is committed.

        Whoever claims in it marks in it: a claim alone sends nothing, so the machine may hear of it before the commit.
        """
        with self._books.writing() as at:
            now = self._clock()  # the turn to write may have been long in coming
            events = self._carry_out(at, steps, now)
            claims = [event for event in events if isinstance(event, ClaimAnswered | Spared)]
            for claim in claims:
                self.machine.hear(claim, now)
            events = [event for event in events if event not in claims]
            if any(isinstance(claim, ClaimAnswered) and claim.claimed for claim in claims):
                steps = self.machine.next(now)
                self._unmark_rest(at, [step for step in steps if isinstance(step, Mark)])
                events += self._carry_out(at, steps, now)
            self._unmark_rest(at)
            self._unasked.clear()
            self._tell(at, now)
            return events

    def _carry_out(self, at: Any, steps: Sequence[Step], now: datetime) -> list[Event]:
        """Settle before anything is marked. The row of the pace is locked last, after those of the allowances, as everywhere."""
        settles: list[Settle] = []
        marks: list[Mark] = []
        others: list[Claim | TakeBack | Release | Finish] = []
        for step in steps:
            if isinstance(step, Settle):
                settles.append(step)
            elif isinstance(step, Mark):
                marks.append(step)
            else:
                others.append(step)
        if settles:
            self._settle(at, settles, now)
        events = [event for step in others if (event := self._do(at, step, now)) is not None]
        self._spare = 0
        return events + self._mark(at, marks, now) if marks else events

    def _do(self, at: Any, step: Claim | TakeBack | Release | Finish, now: datetime) -> Event | None:
        match step:
            case Claim():
                return self._claim(at, step, now)
            case TakeBack():
                self._take_back(at, step, now)
            case Release(batch=batch, recipients=recipients, until=until):
                self._books.release(at, batch, recipients, now=now, until=until)
            case Finish(batch=batch):
                self._books.finish(at, batch, now=now)
                for known in (self._loads, self._people, self._terms):
                    known.pop(batch, None)
        return None

    def _claim(self, at: Any, step: Claim, now: datetime) -> Event:
        """Claim for a lane; unless what was claimed for one just now is enough for both."""
        if self._spare:
            self._spare -= 1
            return Spared(step.lane)
        lane, load = step.lane, self._books.claim(at, step.size, now=now, lease=CLAIM_LEASE, whole=step.whole)
        if not isinstance(load, Load):
            return ClaimAnswered(lane, None, load)
        batch = load.claimed.batch
        self._loads[batch] = load
        self._people[batch] = {person.subscriber_id: person for person in load.people}
        self._terms[batch] = self._term(now)
        if self.machine.pace.shared:  # each lane takes as many as a request carries, and one to be said ahead
            self._spare = max(0, -(-len(load.claimed.recipients) // (self.machine.pace.unit + 1)) - 1)
        if load.marked:
            self._unasked[batch] = load.marked
        return ClaimAnswered(lane, load.claimed)

    def _mark(self, at: Any, marks: Sequence[Mark], now: datetime) -> list[Event]:
        """Mark as many as the allowances let us; what of those was not marked is given back to them."""
        granted, short = take(self._allowances, at, sum(len(mark.recipients) for mark in marks), now)
        self._tell(at, now)
        granted, until = self._share(at, granted, len(marks[0].recipients), now)
        self._marked_at.update((mark.lane, now) for mark in marks)
        events: list[Event] = []
        asked: dict[int, list[tuple[Mark, tuple[int, ...]]]] = {}
        left = granted
        for mark in marks:
            part, back = mark.recipients[:left], mark.recipients[left:]
            left -= len(part)
            if until is not None and not part:
                events.append(MarkRefused(mark.lane, "the provider is to be left alone", until=until))
            elif short is not None and not part:
                events.append(MarkRefused(mark.lane, short.spent(now), ending=short.ending))
            elif self._terms[mark.batch].deadline < now + self._longest + _LEAST_MARGIN and not self._keep(at, mark.batch, now):
                events.append(_refused(mark.lane, LeaseLost()))
            else:
                kept = replace(mark, recipients=part) if back else mark
                asked.setdefault(self._loads[mark.batch].sub_revision, []).append((kept, back))
        for sub_revision, ones in asked.items():
            events += self._mark_those(at, ones, sub_revision, now)
        unused = granted - sum(len(event.recipients) for event in events if isinstance(event, Marked))
        self._give_back(at, unused, now)
        return events

    def _tell(self, at: Any, now: datetime) -> None:
        """What was learnt of the provider, the others know from now on: never before the allowances are asked."""
        if self._shared is not None:
            self._shared.tell(at, self.machine.mood, now)

    def _share(self, at: Any, many: int, least: int, now: datetime) -> tuple[int, datetime | None]:
        """Of those that the allowances let us mark, how many the pace does that is shared with others; and when to ask again."""
        if self._shared is None or not many:
            return many, None
        granted, until = self._shared.take(at, many, least, now)
        for allowance in self._allowances if granted < many else ():
            allowance.give_back(at, many - granted, now)
        return granted, until if until is not None or granted == many else now + _SOON

    def _give_back(self, at: Any, many: int, now: datetime) -> None:
        for allowance in self._allowances if many else ():
            allowance.give_back(at, many, now)
        if self._shared is not None and many:
            self._shared.give_back(many)

    def _mark_those(
        self, at: Any, asked: Sequence[tuple[Mark, tuple[int, ...]]], sub_revision: int, now: datetime
    ) -> Iterator[Event]:
        marks = [mark for mark, _ in asked]
        found = self._books.mark(at, marks, now=now, sub_revision=sub_revision, already=self._ask_for(marks))
        if any(isinstance(those, Stale) for those in found):
            self._books.refresh(at)
        for (mark, back), those in zip(asked, found, strict=True):
            yield _refused(mark.lane, those) if isinstance(those, Refusal) else Marked(mark.lane, tuple(those), back)

    def _ask_for(self, marks: Sequence[Mark]) -> dict[int, frozenset[int]]:
        """Who of these was marked when they were claimed, by their batches."""
        already: dict[int, frozenset[int]] = {}
        for mark in marks:
            left = self._unasked.get(mark.batch)
            if left:
                already[mark.batch] = left.intersection(mark.recipients)
                self._unasked[mark.batch] = left - already[mark.batch]
        return already

    def _unmark_rest(self, at: Any, marks: Sequence[Mark] = ()) -> None:
        """Who was marked when they were claimed, and is in none of `marks`, is only claimed."""
        for batch, whose in self._unasked.items():
            wanted = {one for mark in marks if mark.batch == batch for one in mark.recipients}
            if whose - wanted:
                self._books.unmark(at, batch, sorted(whose - wanted))
                self._unasked[batch] = whose & wanted

    def _settle(self, at: Any, settles: Sequence[Settle], now: datetime) -> None:
        retry_at: dict[int, datetime] = {}
        for step in settles:
            outcomes = step.answer.outcomes
            for outcome in Outcome:
                self.outcomes[outcome] += outcomes.count(outcome)
            for one, outcome in zip(step.recipients, outcomes, strict=True) if Outcome.DEFERRED in outcomes else ():
                if outcome is Outcome.DEFERRED:
                    attempt = self._people[step.batch][one].attempts + 1
                    retry_at[one] = now + back_off(attempt, step.answer, self._settings.retry_first)
        self._books.settle(at, settles, now=now, retry_at=retry_at)

    def _take_back(self, at: Any, step: TakeBack, now: datetime) -> None:
        """What did not leave was not spent either: each day has its own allowance, so that of the mark gets it back."""
        self._books.take_back(at, step.batch, step.recipients, now=now)
        for allowance in self._allowances:
            allowance.give_back(at, len(step.recipients), self._marked_at[step.lane])

    def _renew(self, now: datetime) -> None:
        """Our claims stay ours while we live."""
        if now - self._renewed_at < CLAIM_LEASE / 3:
            return
        self._renewed_at = now
        held = {lane.claimed.batch for lane in self.machine.lanes if lane.claimed is not None}
        if held:
            with self._books.writing() as at:
                for batch in sorted(held):
                    # One that was lost is found out at its next mark, where it matters.
                    self._books.renew(at, batch, now=now, lease=CLAIM_LEASE, deadline=self._terms[batch].deadline)

    def _keep(self, at: Any, batch: int, now: datetime) -> bool:
        """See to it that a batch outlives what is marked of it now; False when it is not ours any more."""
        deadline = now + self._longest + MARGIN
        if not self._books.renew(at, batch, now=now, lease=CLAIM_LEASE, deadline=deadline):
            return False
        self._terms[batch] = self._term(deadline)
        return True

    def _term(self, deadline: datetime) -> _Term:
        left = (deadline - self._longest - self._clock()).total_seconds()
        return _Term(deadline, partial(self._is_in_time, deadline), elapsed() + left)


def _refused(lane: int, refusal: Refusal) -> MarkRefused:
    if isinstance(refusal, LeaseLost):
        return MarkRefused(lane, "another process took over")
    if isinstance(refusal, Stale):
        return MarkRefused(lane, "an article was withdrawn", again=True)
    return MarkRefused(lane, str(refusal))
