"""Books in plain Python, as the ledger is meant: what the simulation keeps for most of its schedules.

That they mean the same as the real ones is itself a test: the same schedule comes to the same end in both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast

from digest.delivery.engines.books import Books, Load
from digest.delivery.providers.answer import Outcome
from digest.delivery.recipient import Recipient
from digest.delivery.refusals import LeaseLost, Refusal, Stale
from digest.delivery.steps import Claimed, Mark, Settle
from digest.rendering.rendition import Rendition
from tests.proofs.world import Died, World


@dataclass(frozen=True, slots=True)
class Row:
    """One delivery."""

    rendition: int
    state: str = "planned"
    batch: int | None = None
    attempts: int = 0
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """One claim."""

    owner: str
    lease_until: datetime
    deadline: datetime
    finished: bool = False


@dataclass(frozen=True, slots=True)
class ModelRendition:
    """What a message holds."""

    articles: frozenset[int]


@dataclass(slots=True)
class State:
    """Everything that is durable."""

    rows: dict[int, Row]
    batches: dict[int, Batch] = field(default_factory=dict)
    moves: Counter[str] = field(default_factory=Counter)
    told: frozenset[int] = frozenset()
    left: frozenset[int] = frozenset()
    withdrawn: frozenset[int] = frozenset()

    def copy(self) -> State:
        """The same, on its own."""
        return State(dict(self.rows), dict(self.batches), Counter(self.moves), self.told, self.left, self.withdrawn)

    def note(self, start: str, end: str, count: int = 1) -> None:
        """A line of history."""
        self.moves[start] -= count
        self.moves[end] += count

    def leave(self, whose: Sequence[int], batch: int | None, start: str, end: str, when: datetime | None = None) -> list[int]:
        """Compare and set; returns for whom it was true."""
        true = [one for one in whose if self.rows[one].state == start and batch in (None, self.rows[one].batch)]
        for one in true:
            self.rows[one] = replace(self.rows[one], state=end, not_before=when)
        return true

    def finish(self, batch: int) -> None:
        """Close a batch, once."""
        if not self.batches[batch].finished:
            self.batches[batch] = replace(self.batches[batch], finished=True)
            mine = [
                one for one, row in self.rows.items() if row.batch == batch and row.state == "accepted" and one not in self.told
            ]
            self.note("claimed", "accepted", len(mine))

    def sweep(self, owner: str, now: datetime, *, others_are_dead: bool) -> None:
        """Take over what died."""
        for number, batch in list(self.batches.items()):
            if batch.finished or not (batch.owner != owner if others_are_dead else batch.lease_until <= now):
                continue
            self.note("claimed", "planned", len(self.leave(list(self.rows), number, "claimed", "planned")))
            if others_are_dead or batch.deadline <= now:
                self.note("claimed", "unknown", len(self.leave(list(self.rows), number, "sending", "unknown")))
                self.finish(number)

    def replan(self, now: datetime | None) -> int:
        """Plan what was deferred and has come due; with None, all of it."""
        due = [
            one
            for one, row in self.rows.items()
            if row.state == "deferred" and (now is None or (row.not_before is not None and row.not_before <= now))
        ]
        self.note("deferred", "planned", len(self.leave(due, None, "deferred", "planned")))
        return len(due)


class ModelArena:
    """The model, for the schedules of the simulation."""

    def __init__(self, renditions: Mapping[int, frozenset[int]], people: Mapping[int, int], articles: frozenset[int]) -> None:
        self.renditions, self._people, self._articles = renditions, people, articles
        self.deadly = 0.0
        self.now = State({})

    def begin(self, world: World) -> None:
        """Everybody is planned."""
        self.world = world
        self.now = State({one: Row(rendition) for one, rendition in self._people.items()})

    @contextmanager
    def writing(self) -> Iterator[State]:
        """A transaction of a process that may die before or after its commit."""
        before = self.now.copy()
        try:
            yield self.now
            if self.world.chance(self.deadly):
                raise Died
        except BaseException:
            self.now = before
            raise
        if self.world.chance(self.deadly):
            raise Died

    def articles(self) -> frozenset[int]:
        """What may be withdrawn."""
        return self._articles

    def states(self) -> dict[int, str]:
        """Where each delivery stands."""
        return {one: row.state for one, row in self.now.rows.items()}

    def unsubscribe(self, one: int) -> None:
        """Somebody leaves."""
        with self.writing() as state:
            state.left |= {one}

    def withdraw(self, article: int) -> set[int]:
        """An article goes; returns who is marked at that moment."""
        with self.writing() as state:
            marked = {one for one, row in state.rows.items() if row.state == "sending"}
            self.world.clock()
            if any(article in held for held in self.renditions.values()):
                state.withdrawn |= {article}
        return marked

    def start(self, owner: str, *, swept_at: datetime, others_are_dead: bool, replanned_at: datetime | None) -> Books:
        """The books of a new process, which takes over what died."""
        with self.writing() as state:
            state.sweep(owner, swept_at, others_are_dead=others_are_dead)
            state.replan(replanned_at)
        return cast("Books", ModelBooks(self, owner))

    def envelopes(self) -> Any:
        """What makes an envelope: here a recipient is one already."""
        return _Envelopes()

    def articles_in(self, rendition: Any) -> frozenset[int]:
        """What a message holds."""
        held: frozenset[int] = rendition.articles
        return held

    def conclude(self) -> tuple[dict[int, str], Counter[str]]:
        """Where everybody stands at the end, and where the history says they do."""
        for batch in self.now.batches:
            self.now.finish(batch)
        counts: Counter[str] = Counter({"planned": len(self.now.rows)})
        counts.update(self.now.moves)
        return self.states(), +counts


class _Envelopes:
    def make(self, recipient: Recipient, rendition: object) -> Recipient:
        return recipient

    make_ahead = make


@dataclass(slots=True)
class ModelBooks:
    """The books of one process."""

    arena: ModelArena
    owner: str
    known: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        self.known = self.arena.now.withdrawn

    def writing(self) -> Any:
        """As `Books.writing`."""
        return self.arena.writing()

    def claim(self, at: State, size: int, *, now: datetime, lease: timedelta, whole: bool) -> Load | datetime | None:
        """As `Books.claim`."""
        replanned = False
        while True:
            waiting = sorted(
                (row.rendition, one)
                for one, row in at.rows.items()
                if row.state == "planned" and (row.not_before is None or row.not_before <= now)
            )[:size]
            if not waiting:
                if not replanned and at.replan(now):
                    replanned = True
                    continue
                times = [row.not_before for row in at.rows.values() if row.state in {"planned", "deferred"} and row.not_before]
                return min(times, default=None)
            rendition = waiting[0][0]
            whose = [one for of, one in waiting if of == rendition]
            batch = len(at.batches) + 1
            at.batches[batch] = Batch(self.owner, now + lease, now + lease)
            people = [Recipient(one, one, "", "", None, at.rows[one].attempts) for one in whose]
            for one in whose:
                at.rows[one] = replace(at.rows[one], state="claimed", batch=batch)
            fits = whole and len(self.known) == len(at.withdrawn)
            marked = frozenset(one for one in whose if fits and one not in at.left)
            for one in marked:
                at.rows[one] = replace(at.rows[one], state="sending", attempts=at.rows[one].attempts + 1)
            at.note("planned", "claimed", len(whose))
            held = self.arena.renditions[rendition] - self.known
            if held:
                shown = cast("Rendition", ModelRendition(held))
                return Load(Claimed(batch, rendition, tuple(whose)), people, shown, len(self.known), marked)
            self.unmark(at, batch, sorted(marked))
            at.note("claimed", "cancelled", len(at.leave(whose, batch, "claimed", "cancelled")))
            same = [one for one, row in at.rows.items() if row.rendition == rendition]
            for state in ("planned", "deferred"):
                at.note(state, "cancelled", len(at.leave(same, None, state, "cancelled")))
            at.finish(batch)

    def mark(
        self, at: State, marks: Sequence[Mark], *, now: datetime, sub_revision: int, already: Mapping[int, frozenset[int]]
    ) -> list[list[int] | Refusal]:
        """As `Books.mark`."""
        return [self._mark(at, mark.batch, mark.recipients, now, sub_revision, already) for mark in marks]

    def unmark(self, at: State, batch: int, whose: Sequence[int]) -> None:
        """As `Books.unmark`."""
        for one in at.leave(whose, batch, "sending", "claimed"):
            at.rows[one] = replace(at.rows[one], attempts=at.rows[one].attempts - 1)

    def _mark(
        self, at: State, batch: int, whose: Sequence[int], now: datetime, sub_revision: int, already: Mapping[int, frozenset[int]]
    ) -> list[int] | Refusal:
        held = at.batches[batch]
        ours = held.owner == self.owner and held.lease_until > now and not held.finished
        fits = sub_revision == len(at.withdrawn)
        claimed = [one for one in whose if at.rows[one].state == "claimed" and at.rows[one].batch == batch]
        new = [one for one in claimed if ours and fits and one not in at.left]
        for one in new:
            at.rows[one] = replace(at.rows[one], state="sending", attempts=at.rows[one].attempts + 1)
        marked = [one for one in whose if one in already.get(batch, ()) or one in new]
        rest = [one for one in whose if one not in marked]
        if not marked and any(one not in at.left for one in rest):
            return LeaseLost() if fits else Stale()
        gone = [one for one in rest if one in at.left]
        at.note("claimed", "cancelled", len(at.leave(gone, batch, "claimed", "cancelled")))
        return marked

    def settle(self, at: State, settles: Sequence[Settle], *, now: datetime, retry_at: Mapping[int, datetime]) -> None:
        """As `Books.settle`."""
        for settle in settles:
            for one, outcome in zip(settle.recipients, settle.answer.outcomes, strict=True):
                self._settle(at, settle.batch, one, outcome, retry_at.get(one))

    def _settle(self, at: State, batch: int, one: int, outcome: Outcome, retry_at: datetime | None) -> None:
        when = retry_at if outcome is Outcome.DEFERRED else None
        if at.leave([one], batch, "sending", outcome.value, when):
            if outcome is not Outcome.ACCEPTED:
                at.note("claimed", outcome.value)
        elif outcome is not Outcome.UNKNOWN:
            late = "planned" if outcome is Outcome.DEFERRED else outcome.value
            if at.leave([one], batch, "unknown", late):
                at.note("unknown", late)
                at.told |= {one} if late == "accepted" else frozenset()

    def take_back(self, at: State, batch: int, whose: Sequence[int], *, now: datetime) -> None:
        """As `Books.take_back`."""
        for found, told in (("sending", "claimed"), ("unknown", "unknown")):
            for one in at.leave(whose, batch, found, "planned"):
                at.rows[one] = replace(at.rows[one], attempts=at.rows[one].attempts - 1)
                at.note(told, "planned")

    def release(self, at: State, batch: int, whose: Sequence[int], *, now: datetime, until: datetime | None) -> None:
        """As `Books.release`."""
        at.note("claimed", "planned", len(at.leave(whose, batch, "claimed", "planned", until)))

    def finish(self, at: State, batch: int, *, now: datetime) -> None:
        """As `Books.finish`."""
        at.finish(batch)

    def renew(self, at: State, batch: int, *, now: datetime, lease: timedelta, deadline: datetime) -> bool:
        """As `Books.renew`."""
        held = at.batches[batch]
        if held.owner != self.owner or held.lease_until <= now or held.finished:
            return False
        at.batches[batch] = replace(held, lease_until=now + lease, deadline=deadline)
        return True

    def refresh(self, at: State) -> None:
        """As `Books.refresh`."""
        self.known = at.withdrawn
