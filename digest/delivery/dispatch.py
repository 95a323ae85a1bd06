"""Dispatch: the step machine that decides what happens next, and does nothing itself.

It is told what happened and what time it is (`hear`), and says what to write down (`next`): claim, mark, settle, release;
what to hand over (`sends`); or how long to wait. Threads, sockets and the database stand around it
(`digest.delivery.engines`), so the same code runs in a simulation. One lane is one connection; what a lane holds is between
`claim` and `settle` in exactly one state. Where batches are shared, all lanes take from one, each its next ones in turn: so
what is written down together stands together in the store.

The order that keeps promise 4: a `Send` is only ever given for what a `Marked` has confirmed, after its commit. What one
`next` says is one transaction, in which everything is settled before anything is marked: so a lane settles a delivery and
marks the next at one stroke, and has never more than one between its mark and its answer.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from digest.delivery.ending import Ending
from digest.delivery.lane import Held, Lane, Phase
from digest.delivery.pacing import Pace
from digest.delivery.providers.answer import Answer, Outcome
from digest.delivery.steps import (
    Answered,
    Claim,
    ClaimAnswered,
    Claimed,
    Drain,
    Event,
    Finish,
    Lost,
    Mark,
    Marked,
    MarkRefused,
    NotHandedOver,
    Release,
    Send,
    Settle,
    Spared,
    Step,
    TakeBack,
)
from digest.delivery.temper import Mood, Temper

_NEVER = datetime.max.replace(tzinfo=UTC)
_WORTH_HOLDING = timedelta(seconds=1)  # for longer than this a lane does not sit on what waits for a recipient domain


_UNOCCUPIED = frozenset({Phase.IDLE, Phase.RESTING})
_WAITED_FOR = frozenset({Phase.CLAIMING, Phase.MARKING, Phase.MARKED, Phase.SENDING})  # only an event leads on
_DUE = frozenset({Phase.HOLDING, Phase.ANSWERED, Phase.KEPT})  # with the end in sight there is something to write down


@dataclass(slots=True)
class Dispatch:
    """The step machine of one issue through one provider."""

    pace: Pace
    started_at: datetime
    lanes: list[Lane] = field(init=False)
    ending: Ending | None = field(default=None, init=False)
    reason: str = field(default="", init=False)
    _temper: Temper = field(init=False)
    _claim_at: datetime = field(init=False)
    _open: deque[Held] = field(default_factory=deque, init=False)  # batches of which somebody may be left
    _nothing_since: datetime | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.lanes = [Lane() for _ in range(self.pace.lanes)]
        self._temper = Temper(self.pace, self.started_at)
        self._claim_at = self.started_at

    @property
    def mood(self) -> Mood:
        """What this dispatch has learnt of the provider by itself."""
        return self._temper.mood

    @property
    def finished(self) -> bool:
        """Whether nothing is under way and nothing will be begun."""
        return self.ending is not None and all(lane.phase in _UNOCCUPIED for lane in self.lanes)

    @property
    def in_flight(self) -> int:
        """How many deliveries stand between their mark and their answer."""
        return sum(len(lane.unit) for lane in self.lanes if lane.phase is Phase.SENDING)

    @property
    def overdue(self) -> bool:
        """Whether it comes to its end and `next` has something to say for that at once."""
        return self.ending is not None and any(lane.phase in _DUE for lane in self.lanes)

    def next(self, now: datetime) -> list[Step]:
        """Everything that can be written down at `now`, together or not at all."""
        steps: list[Step] = []
        for number, lane in enumerate(self.lanes):
            if lane.phase not in _WAITED_FOR:
                self._next_of(number, lane, now, steps)
        return steps

    def sends(self, now: datetime) -> list[Send]:
        """Everything that is marked and was not handed over yet."""
        sends = []
        for number, lane in enumerate(self.lanes):
            if lane.phase is Phase.MARKED and lane.claimed is not None:
                lane.phase = Phase.SENDING
                batch, rendition = lane.claimed.batch, lane.claimed.rendition
                sends.append(Send(number, batch, rendition, lane.unit, self._ahead(lane, now)))
        return sends

    def wait_until(self, now: datetime) -> datetime | None:
        """When `next` will have more to say although nothing happens; None: only an event can help."""
        if self.ending is not None:
            return None
        times = [self._opens_at(lane, now) for lane in self.lanes if lane.phase is Phase.HOLDING]
        times += [max(self._claim_at, self._temper.opens_at()) for lane in self.lanes if lane.phase is Phase.RESTING]
        times += [self._temper.opens_at() for lane in self.lanes if lane.phase is Phase.IDLE]
        return min((at for at in times if now < at < _NEVER), default=None)

    def hear(self, event: Event, now: datetime) -> None:
        """Take in one thing that happened."""
        match event:
            case Answered(lane=number, answer=answer):
                self._answered(number, self.lanes[number], answer, now)
            case Marked(lane=number, recipients=recipients, back=back):
                self.lanes[number].waiting = back + self.lanes[number].waiting
                self._marked(number, self.lanes[number], recipients)
            case ClaimAnswered(lane=number, claimed=None, later=later):
                self._nothing(self.lanes[number], later, now)
            case ClaimAnswered(lane=number, claimed=Claimed() as claimed):
                self._claimed(self.lanes[number], claimed, now)
            case Spared(lane=number):
                self.lanes[number].phase = Phase.IDLE
            case MarkRefused():
                self._refused(event, now)
            case NotHandedOver(lane=number):
                self._kept(number, self.lanes[number])
            case Lost(lane=number, text=text):
                self._lost(number, self.lanes[number], text)
            case Drain(reason=reason):
                self._end(Ending.DRAINED, reason)

    def abandon(self, text: str) -> None:
        """Wait no longer: what has no answer is unknown, and what was not handed over never will be."""
        for number, lane in enumerate(self.lanes):
            if lane.phase is Phase.MARKED:
                self._kept(number, lane)
            else:
                self._doubt(lane, text)

    def _next_of(self, number: int, lane: Lane, now: datetime, steps: list[Step]) -> None:
        if lane.phase is Phase.ANSWERED and lane.answer is not None and lane.claimed is not None:
            steps.append(Settle(number, lane.claimed.batch, lane.unit, lane.answer))
            lane.phase, lane.unit, lane.answer = Phase.HOLDING, (), None
        elif lane.phase is Phase.KEPT and lane.claimed is not None:
            steps.append(TakeBack(number, lane.claimed.batch, lane.unit))
            lane.phase, lane.unit = Phase.HOLDING, ()
        if lane.phase is Phase.HOLDING and lane.held is not None:
            self._hold(number, lane, lane.held, now, steps)
        elif self.ending is None and (held := self._first_open()) is not None:
            self._give(lane, held)
            self._hold(number, lane, held, now, steps)
        elif self.ending is None and self._temper.lets_claim(now) and self._wants_more(lane, now):
            lane.phase = Phase.CLAIMING
            steps.append(Claim(number, self.pace.claim, self.pace.unit >= self.pace.claim and self._temper.lets_mark(now)))

    def _ahead(self, lane: Lane, now: datetime) -> int | None:
        """Whom the lane will most likely mark next, where a request carries one; a hint, and nothing is marked by it."""
        if not lane.waiting or self.pace.unit > 1 or self.ending is not None or self._temper.domains:
            return None
        return lane.waiting[0] if self._temper.opens_at() - now <= _WORTH_HOLDING else None

    def _wants_more(self, lane: Lane, now: datetime) -> bool:
        return lane.phase is Phase.IDLE or (lane.phase is Phase.RESTING and now >= self._claim_at)

    def _first_open(self) -> Held | None:
        """The first batch of which somebody is left."""
        while self._open and not self._open[0].left:
            self._open.popleft()
        return self._open[0] if self._open else None

    def _give(self, lane: Lane, held: Held) -> None:
        held.lanes += 1
        lane.phase, lane.held = Phase.HOLDING, held

    def _hold(self, number: int, lane: Lane, held: Held, now: datetime, steps: list[Step]) -> None:
        over = self.ending is not None or held.outdated
        if not over:
            self._take(lane, held)
        if over or not lane.waiting:
            back = lane.waiting + tuple(held.left)
            if back:
                held.left.clear()
                steps.append(Release(held.claimed.batch, back))
            self._let_go(number, lane, held, now, steps)
        elif self._temper.lets_mark(now):
            unit = self._choose(lane, held.claimed, now)
            if unit:
                lane.phase, lane.unit, lane.waiting = Phase.MARKING, unit, _without(lane.waiting, unit)
                self._temper.begin(number, len(unit), now)
                steps.append(Mark(number, held.claimed.batch, unit))
            elif self._opens_at(lane, now) - now > _WORTH_HOLDING:
                steps += self._line_up(lane, held.claimed, now)
                self._let_go(number, lane, held, now, steps)

    def _take(self, lane: Lane, held: Held) -> None:
        """Whom a lane takes of those that are left: all; of a shared batch as many as a request carries, and one to be said ahead.
        Where recipient domains are looked at it takes its part of that, so that it can choose."""
        more = len(held.left)
        if self.pace.shared:
            more = self.pace.unit + 1 - len(lane.waiting)
            if self._temper.domains and not lane.waiting:
                more = max(more, -(-len(held.claimed.recipients) // self.pace.lanes))
        lane.waiting += tuple(held.left.popleft() for _ in range(min(more, len(held.left))))

    def _choose(self, lane: Lane, claimed: Claimed, now: datetime) -> tuple[int, ...]:
        """The next of those whose domain lets them, as many as a request carries."""
        if not self._temper.domains:
            return lane.waiting[: self.pace.unit]
        unit: list[int] = []
        for one in lane.waiting:
            domain = claimed.domain_of(one)
            free_at = self._temper.domains.free_at(domain)
            if free_at is None or free_at <= now:
                self._temper.domains.spend(domain, now)
                unit.append(one)
            if len(unit) == self.pace.unit:
                break
        return tuple(unit)

    def _line_up(self, lane: Lane, claimed: Claimed, now: datetime) -> list[Step]:
        """Give back what waits for recipient domains, each domain's until its turn."""
        waiting: dict[str, list[int]] = {}
        for one in lane.waiting:
            waiting.setdefault(claimed.domain_of(one), []).append(one)
        return [
            Release(claimed.batch, tuple(theirs), self._temper.domains.line_up(domain, len(theirs), now))
            for domain, theirs in waiting.items()
        ]

    def _let_go(self, number: int, lane: Lane, held: Held, now: datetime, steps: list[Step]) -> None:
        """The lane is free; whoever is the last to let go of a batch finishes it."""
        held.lanes -= 1
        lane.phase, lane.held, lane.waiting = Phase.IDLE, None, ()
        if not held.lanes:
            steps.append(Finish(held.claimed.batch))
        self._next_of(number, lane, now, steps)

    def _opens_at(self, lane: Lane, now: datetime) -> datetime:
        """When the first of what a lane holds may be marked, as far as pace and recipient domains go."""
        if not self._temper.domains or lane.claimed is None:
            return self._temper.opens_at()
        theirs = (self._temper.domains.free_at(lane.claimed.domain_of(one)) or now for one in lane.waiting)
        return max(self._temper.opens_at(), min(theirs, default=now))

    def _claimed(self, lane: Lane, claimed: Claimed, now: datetime) -> None:
        held = Held(claimed, deque(claimed.recipients))
        self._open.append(held)
        self._give(lane, held)
        self._take(lane, held)
        self._claim_at = min(self._claim_at, now)  # there may be more, for those who rest as well

    def _nothing(self, lane: Lane, later: datetime | None, now: datetime) -> None:
        """A lane found nothing: it rests. The last one to find nothing says whether it is worth waiting for `later`."""
        lane.phase = Phase.RESTING
        self._claim_at = _NEVER if later is None else later
        if any(other.phase not in _UNOCCUPIED for other in self.lanes):
            return
        self._nothing_since = self._nothing_since or now
        if later is None or later > max(self._nothing_since + self.pace.patience, self._temper.domains.line_end):
            self._end(Ending.EMPTY, "")

    def _marked(self, number: int, lane: Lane, recipients: tuple[int, ...]) -> None:
        self._withdraw(number, lane, _without(lane.unit, recipients))
        lane.unit = recipients
        lane.phase = Phase.MARKED if recipients else Phase.HOLDING

    def _answered(self, number: int, lane: Lane, answer: Answer, now: datetime) -> None:
        if lane.phase is Phase.SENDING:  # an answer after we stopped waiting changes nothing
            lane.phase, lane.answer = Phase.ANSWERED, answer
            if lane.claimed is not None:
                ending = self._temper.heed(number, lane.claimed, lane.unit, answer, now)
                if ending is not None:
                    self._end(*ending)

    def _refused(self, refused: MarkRefused, now: datetime) -> None:
        self._back(refused.lane, self.lanes[refused.lane])
        if refused.until is not None:
            self._hold_all(refused.until, refused.reason, now)
        elif refused.again:
            if (held := self.lanes[refused.lane].held) is not None:
                held.outdated = True
        else:
            self._end(refused.ending, refused.reason)

    def _hold_all(self, until: datetime, reason: str, now: datetime) -> None:
        """Nothing may be marked before a time; where that is too long to wait for, the dispatch ends."""
        self._temper.hold(until)
        if until - now > self.pace.patience:
            self._end(Ending.HELD_BACK, reason)

    def _kept(self, number: int, lane: Lane) -> None:
        """The unit was not handed over; that is sure, even where we had stopped waiting and meant to call it unknown."""
        if lane.phase in {Phase.MARKED, Phase.SENDING, Phase.ANSWERED}:
            lane.phase, lane.answer = Phase.KEPT, None
            self._withdraw(number, lane, lane.unit)

    def _lost(self, number: int, lane: Lane, text: str) -> None:
        """The unit is in doubt, and what the provider would have said of it tells nothing."""
        self._doubt(lane, text)
        self._temper.forget(number)

    def _doubt(self, lane: Lane, text: str) -> None:
        if lane.phase is Phase.SENDING:
            lane.phase, lane.answer = Phase.ANSWERED, Answer((Outcome.UNKNOWN,) * len(lane.unit), text)

    def _back(self, number: int, lane: Lane) -> None:
        """The unit was not marked: it is still only claimed."""
        self._withdraw(number, lane, lane.unit)
        lane.waiting, lane.unit, lane.phase = lane.unit + lane.waiting, (), Phase.HOLDING

    def _withdraw(self, number: int, lane: Lane, those: tuple[int, ...]) -> None:
        """These of a lane's unit did not leave, whatever was spent for them."""
        if those and lane.claimed is not None:
            self._temper.withdraw(number, lane.claimed, those, whole=those == lane.unit)

    def _end(self, ending: Ending, reason: str) -> None:
        if self.ending is None:
            self.ending, self.reason = ending, reason


def _without(waiting: tuple[int, ...], unit: tuple[int, ...]) -> tuple[int, ...]:
    if waiting[: len(unit)] == unit:
        return waiting[len(unit) :]
    chosen = set(unit)
    return tuple(one for one in waiting if one not in chosen)
