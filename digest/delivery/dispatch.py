"""Dispatch: the step machine that decides what happens next, and does nothing itself.

It is told what happened and what time it is (`hear`), and says what to do (`next`): claim, mark, send, settle, release,
or wait. Threads, sockets and the database stand around it (`digest.delivery.engines`), so the same code runs in a
simulation. One lane is one connection; what a lane holds is between `claim` and `settle` in exactly one state.

The order that keeps promise 4: a `Send` is only ever given for what a `Marked` has confirmed, after its commit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from digest.delivery.providers.answer import Answer, Outcome, Trouble
from digest.delivery.steps import (
    Answered,
    Claim,
    ClaimAnswered,
    Claimed,
    Drain,
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

_LONGEST_WAIT = 86_400  # seconds; whoever asks for more is asked again tomorrow
_ALIKE = 3  # so many in a row of refused contents, failed connections, or answers that leave all in doubt, stop the issue


class Phase(StrEnum):
    """What a lane is doing."""

    IDLE = "idle"
    CLAIMING = "claiming"
    HOLDING = "holding"
    MARKING = "marking"
    MARKED = "marked"
    SENDING = "sending"
    SETTLING = "settling"


@dataclass(slots=True)
class Lane:
    """One connection: its phase, what it holds, and what of it is under way."""

    phase: Phase = Phase.IDLE
    claimed: Claimed | None = None
    waiting: tuple[int, ...] = ()
    unit: tuple[int, ...] = ()
    answer: Answer | None = None
    outdated: bool = False


class Ending(StrEnum):
    """Why a dispatch stopped."""

    EMPTY = "empty"  # nothing planned is left
    DRAINED = "drained"  # told to stop
    PAUSED = "paused"  # content or account refused, or everything in doubt: a person has to look
    OUT_OF_REACH = "out_of_reach"  # no connection
    HELD_BACK = "held_back"  # the provider wants a longer pause than a run makes; the next run goes on
    STOPPED = "stopped"  # the ledger refused: paused or cancelled by somebody else


@dataclass(frozen=True, slots=True)
class Pace:
    """The bounds: deliveries of one request, of one claim, messages a second (0: no limit), lanes.

    Told to slow down, the dispatch waits `back_off` and twice as long each time; for more than `patience` it ends.
    """

    unit: int
    claim: int
    rate: float
    lanes: int
    back_off: timedelta = timedelta(seconds=5)
    patience: timedelta = timedelta(seconds=30)


@dataclass(slots=True)
class Dispatch:
    """The step machine of one issue through one provider."""

    pace: Pace
    started_at: datetime
    lanes: list[Lane] = field(init=False)
    ending: Ending | None = field(default=None, init=False)
    reason: str = field(default="", init=False)
    _free_at: datetime = field(init=False)
    _last: str | None = field(default=None, init=False)
    _in_a_row: int = field(default=0, init=False)
    _reached: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.lanes = [Lane() for _ in range(self.pace.lanes)]
        self._free_at = self.started_at

    @property
    def finished(self) -> bool:
        """Whether nothing is under way and nothing will be begun."""
        return self.ending is not None and all(lane.phase is Phase.IDLE for lane in self.lanes)

    @property
    def _stopping(self) -> bool:
        """Whether what is held goes back; where nothing planned is left, it still goes out."""
        return self.ending is not None and self.ending is not Ending.EMPTY

    @property
    def in_flight(self) -> int:
        """How many deliveries stand between their mark and their answer."""
        return sum(len(lane.unit) for lane in self.lanes if lane.phase is Phase.SENDING)

    def next(self, now: datetime) -> list[Step]:
        """Everything that can be begun at `now`."""
        steps: list[Step] = []
        for number, lane in enumerate(self.lanes):
            steps += self._next_of(number, lane, now)
        return steps

    def wait_until(self, now: datetime) -> datetime | None:
        """When `next` will have more to say although nothing happens; None: only an event can help."""
        held = any(lane.phase is Phase.HOLDING for lane in self.lanes)
        return self._free_at if held and self._free_at > now and not self._stopping else None

    def hear(self, event: Event, now: datetime) -> None:
        """Take in one thing that happened."""
        match event:
            case ClaimAnswered(lane=number, claimed=claimed):
                self._claimed(self.lanes[number], claimed)
            case Marked(lane=number, recipients=recipients):
                self._marked(self.lanes[number], recipients)
            case MarkRefused(lane=number, reason=reason, again=again):
                self._back(self.lanes[number])
                self._claim_anew(self.lanes[number]) if again else self._end(Ending.STOPPED, reason)
            case Answered(lane=number, answer=answer):
                self._answered(self.lanes[number], answer, now)
            case Settled(lane=number):
                self._settled(self.lanes[number])
            case Drain(reason=reason):
                self._end(Ending.DRAINED, reason)

    def abandon(self, text: str) -> None:
        """Wait no longer: what has no answer is unknown."""
        for lane in self.lanes:
            if lane.phase is Phase.SENDING:
                lane.phase, lane.answer = Phase.SETTLING, Answer((Outcome.UNKNOWN,) * len(lane.unit), text)

    def _next_of(self, number: int, lane: Lane, now: datetime) -> list[Step]:
        if lane.phase is Phase.SETTLING and lane.answer is not None and lane.claimed is not None:
            answer, lane.answer = lane.answer, None
            return [Settle(number, lane.claimed.batch, lane.unit, answer)]
        if lane.phase is Phase.MARKED and lane.claimed is not None:
            lane.phase = Phase.SENDING
            return [Send(number, lane.claimed.batch, lane.claimed.rendition, lane.unit)]
        if lane.phase is Phase.HOLDING and lane.claimed is not None:
            return self._hold(number, lane, lane.claimed, now)
        if lane.phase is Phase.IDLE and self.ending is None:
            lane.phase = Phase.CLAIMING
            return [Claim(number, self.pace.claim)]
        return []

    def _hold(self, number: int, lane: Lane, claimed: Claimed, now: datetime) -> list[Step]:
        if self._stopping or lane.outdated or not lane.waiting:
            left, lane.phase, lane.claimed, lane.waiting, lane.outdated = lane.waiting, Phase.IDLE, None, (), False
            finish: list[Step] = [Finish(claimed.batch)]
            again = self._next_of(number, lane, now)
            return ([Release(claimed.batch, left)] if left else []) + finish + again
        if self._free_at > now:
            return []
        unit, lane.waiting = lane.waiting[: self.pace.unit], lane.waiting[self.pace.unit :]
        lane.phase, lane.unit = Phase.MARKING, unit
        if self.pace.rate:
            self._free_at = max(self._free_at, now) + timedelta(seconds=len(unit) / self.pace.rate)
        return [Mark(number, claimed.batch, unit)]

    def _claimed(self, lane: Lane, claimed: Claimed | None) -> None:
        if claimed is None:
            lane.phase = Phase.IDLE
            self._end(Ending.EMPTY, "")
        else:
            lane.phase, lane.claimed, lane.waiting = Phase.HOLDING, claimed, claimed.recipients
            self._not_empty()

    def _marked(self, lane: Lane, recipients: tuple[int, ...]) -> None:
        lane.unit = recipients
        lane.phase = Phase.MARKED if recipients else Phase.HOLDING

    def _answered(self, lane: Lane, answer: Answer, now: datetime) -> None:
        if lane.phase is Phase.SENDING:  # an answer after we stopped waiting changes nothing
            lane.phase, lane.answer = Phase.SETTLING, answer
            self._heed(answer, now)

    def _back(self, lane: Lane) -> None:
        """The unit was not marked: it is still only claimed."""
        lane.waiting, lane.unit, lane.phase = lane.unit + lane.waiting, (), Phase.HOLDING

    def _claim_anew(self, lane: Lane) -> None:
        """What it holds goes back, so there will be something planned."""
        lane.outdated = True
        self._not_empty()

    def _not_empty(self) -> None:
        if self.ending is Ending.EMPTY:
            self.ending = None

    def _settled(self, lane: Lane) -> None:
        lane.unit, lane.phase = (), Phase.HOLDING

    def _end(self, ending: Ending, reason: str) -> None:
        if self.ending is None or self.ending is Ending.EMPTY:
            self.ending, self.reason = ending, reason

    def _heed(self, answer: Answer, now: datetime) -> None:
        """Draw the consequences of one answer for everyone still waiting."""
        self._reached |= answer.trouble is not Trouble.CONNECTION
        doubt = all(outcome is Outcome.UNKNOWN for outcome in answer.outcomes)
        kind = answer.trouble or ("doubt" if doubt else None)
        self._in_a_row = self._in_a_row + 1 if kind is not None and kind == self._last else int(kind is not None)
        self._last = kind
        if answer.trouble is Trouble.ACCOUNT:
            self._end(Ending.PAUSED, answer.text)
        elif answer.trouble is Trouble.CONNECTION and (self._in_a_row >= _ALIKE or not self._reached):
            self._end(Ending.OUT_OF_REACH, answer.text)
        elif (answer.trouble is Trouble.CONTENT or doubt) and self._in_a_row >= _ALIKE:
            self._end(Ending.PAUSED, answer.text)
        self._slow_down(answer, now)

    def _slow_down(self, answer: Answer, now: datetime) -> None:
        """Wait as long as the provider says, or longer with each answer in a row that asks for it; a long wait ends the run."""
        if answer.retry_after is not None:
            wait = timedelta(seconds=min(answer.retry_after, _LONGEST_WAIT))
        elif answer.trouble is Trouble.THROTTLED and self._in_a_row > 1:
            wait = self.pace.back_off * (1 << min(self._in_a_row - 2, 16))
        else:
            return
        if wait > self.pace.patience:
            self._end(Ending.HELD_BACK, f"the provider asks to wait {wait.total_seconds():,.0f} s: {answer.text}")
        self._free_at = max(self._free_at, now + wait)
