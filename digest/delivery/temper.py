"""The provider's temper: what its answers mean for everyone who still waits. Pure; time is passed in.

Connections that fail open the breaker; a wish for patience holds everybody, or one recipient domain; a refused account
ends it at once, refused contents and answers that leave all in doubt after three in a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from digest.delivery.breaker import Breaker
from digest.delivery.ending import Ending
from digest.delivery.pacing import LONGEST_WAIT, Bucket, Domains, Pace
from digest.delivery.providers.answer import Answer, Outcome, Trouble
from digest.delivery.steps import Claimed

_ALIKE = 3


@dataclass(frozen=True, slots=True)
class Mood:
    """What others have to know of a provider: until when it wants to be left alone, and how its breaker stands.

    `came_through` counts the answers that told it can be reached.
    """

    held_until: datetime | None = None
    failures: int = 0
    retry_at: datetime | None = None
    came_through: int = 0


class Temper:
    """What is known of one provider in one dispatch. An `_ending` is why it is of no use any more."""

    def __init__(self, pace: Pace, now: datetime) -> None:
        self.domains = Domains(pace, now)
        self._pace = pace
        self._bucket = Bucket(pace.rate, now)
        self._breaker = Breaker(pace.back_off)
        self._last: str | None = None
        self._in_a_row = 0
        self._reached = False
        self._came_through = 0
        self._asked_until: datetime | None = None

    @property
    def mood(self) -> Mood:
        """What this dispatch has learnt by itself."""
        return Mood(self._asked_until, self._breaker.failures, self._breaker.retry_at, self._came_through)

    def hold(self, until: datetime) -> None:
        """Others have learnt that nothing may leave before."""
        self._bucket.hold(until)

    def lets_claim(self, now: datetime) -> bool:
        """Whether more may be claimed."""
        return self._breaker.lets(now)

    def lets_mark(self, now: datetime) -> bool:
        """Whether a message may leave now, as far as the provider goes."""
        return self._bucket.free_at <= now and self._breaker.lets(now)

    def opens_at(self) -> datetime:
        """When the next message may leave, as far as the provider goes."""
        return max(self._bucket.free_at, self._breaker.retry_at or self._bucket.free_at)

    def begin(self, lane: int, many: int, now: datetime) -> None:
        """A lane marks so many."""
        self._bucket.spend(now, many)
        self._breaker.begin(lane)

    def withdraw(self, lane: int, claimed: Claimed, those: tuple[int, ...], *, whole: bool) -> None:
        """Those of what a lane had begun did not leave: nothing was spent for them, and where that is the whole, nothing tried."""
        self._bucket.give_back(len(those))
        for one in those if self.domains else ():
            self.domains.give_back(claimed.domain_of(one))
        if whole:
            self._breaker.withdraw(lane)

    def forget(self, lane: int) -> None:
        """Nobody will ever know what the provider said to what a lane had begun: where that was to try it, the next one tries."""
        self._breaker.withdraw(lane)

    def heed(
        self, lane: int, claimed: Claimed, unit: tuple[int, ...], answer: Answer, now: datetime
    ) -> tuple[Ending, str] | None:
        """Draw the consequences of one answer; returns how and why the dispatch ends, if it does."""
        self._count(answer)
        self._heed_domains(claimed, unit, answer, now)
        ending = self._judge(lane, answer, now)
        wait = self._wait(answer)
        if wait is not None:
            self._bucket.hold(now + wait)
            self._asked_until = max(self._asked_until or now, now + wait)
            if wait > self._pace.patience and ending is None:
                ending = (Ending.HELD_BACK, f"the provider asks to wait {wait.total_seconds():,.0f} s: {answer.text}")
        return ending

    def _count(self, answer: Answer) -> None:
        kind = answer.trouble or ("doubt" if _is_doubt(answer) else None)
        self._in_a_row = self._in_a_row + 1 if kind is not None and kind == self._last else int(kind is not None)
        self._last = kind

    def _judge(self, lane: int, answer: Answer, now: datetime) -> tuple[Ending, str] | None:
        if answer.trouble is Trouble.CONNECTION:
            pause = self._breaker.fail(lane, now)
            hopeless = pause is not None and (self._breaker.failures >= _ALIKE or pause > self._pace.patience)
            return (Ending.OUT_OF_REACH, answer.text) if hopeless or not self._reached else None
        self._reached = True
        if _is_doubt(answer):
            self._breaker.withdraw(lane)  # a probe that leaves everything in doubt tells nothing: the next one tries
        else:
            self._breaker.succeed()
            self._came_through += 1
        if answer.trouble is Trouble.ACCOUNT:
            return Ending.ACCOUNT, answer.text
        if self._in_a_row < _ALIKE:
            return None
        if _is_doubt(answer):
            return Ending.DOUBT, answer.text
        return (Ending.PAUSED, answer.text) if answer.trouble is Trouble.CONTENT else None

    def _wait(self, answer: Answer) -> timedelta | None:
        """As long as the provider says, or longer with each answer in a row that asks for patience."""
        if answer.retry_after is not None:
            return min(timedelta(seconds=min(answer.retry_after, 1e6)), LONGEST_WAIT)
        if answer.trouble is Trouble.THROTTLED and self._in_a_row > 1:
            return self._pace.back_off * (1 << min(self._in_a_row - 2, 16))
        return None

    def _heed_domains(self, claimed: Claimed, unit: tuple[int, ...], answer: Answer, now: datetime) -> None:
        if not self.domains and not answer.crowded:
            return
        for place, one in enumerate(unit):
            crowded = place in answer.crowded
            if crowded or answer.outcomes[place] is Outcome.ACCEPTED:
                self.domains.heed(claimed.domain_of(one), crowded=crowded, now=now)


def _is_doubt(answer: Answer) -> bool:
    return answer.outcomes.count(Outcome.UNKNOWN) == len(answer.outcomes)
