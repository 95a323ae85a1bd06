"""The ledger, as one sending process sees it: claim, mark, settle, release, finish. Nothing here sends anything.

Marking and settling are for all lanes at once, a statement each; accepting has one of its own, since nearly all are. Every
step is a compare-and-set on state, batch and lease; no row changed means that somebody else holds it. State is a
row per delivery; the history is a line per batch when it is claimed and when it is finished, and a line per delivery
where one departs from its batch. Leases go by real time, which is passed in as `now`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from sqlalchemy import Connection

from digest.delivery import statements
from digest.delivery.batches import close_batch, open_batch, sub_revision_words
from digest.delivery.history import note
from digest.delivery.providers.answer import Outcome
from digest.delivery.recipient import Recipient
from digest.delivery.refusals import Refusal, refusal
from digest.delivery.steps import Claimed, Mark, Settle
from digest.delivery.transitions import DeliveryState
from digest.errors import DigestError
from digest.store.prepared import Prepared

NOT_HANDED_OVER = "it was not handed over in time, and did not leave"

_S = DeliveryState
_NOBODY: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Ledger:
    """The deliveries of one issue, through one provider, by one process (`owner`); of its renditions those below `closed_from`."""

    issue_id: int
    newsletter: str
    provider: str
    owner: str
    closed_from: int | None = None

    def claim(
        self, connection: Connection, size: int, *, now: datetime, lease: timedelta, sub_revision: int = 0
    ) -> tuple[Claimed, list[Recipient]] | None:
        """Hold up to `size` planned deliveries of the first rendition that has any; None when nothing can be claimed now.

        `sub_revision` is the issue's as the claimant knows it; a batch is of one, and the history says of which.
        """
        found = self._next(connection, statements.WAITING, size, now=now, lease=lease, sub_revision=sub_revision)
        if found is None:
            return None
        self._hold(connection, found[0].batch, found[0].recipients)
        return found[:2]

    def claim_and_mark(
        self, connection: Connection, size: int, *, now: datetime, lease: timedelta, sub_revision: int = 0
    ) -> tuple[Claimed, list[Recipient], frozenset[int]] | None:
        """As `claim`, and at the same stroke mark those for whom everything holds: the third is who that is.

        `mark` is to be told of them in the same transaction, or `unmark`.
        """
        found = self._next(connection, statements.WAITING_AND_MAY, size, now=now, lease=lease, sub_revision=sub_revision)
        if found is None:
            return None
        claimed, recipients, all_may = found
        marked = self._stroke(connection, claimed, now, sub_revision, all_may=all_may)
        if len(marked) < len(claimed.recipients):
            self._hold(connection, claimed.batch, [one for one in claimed.recipients if one not in marked])
        return claimed, recipients, marked

    def _stroke(
        self, connection: Connection, claimed: Claimed, now: datetime, sub_revision: int, *, all_may: bool
    ) -> frozenset[int]:
        """Mark those of a claim for whom everything holds: all at once where all of them may be mailed, else each is looked at."""
        whose = claimed.recipients
        values = {"issue": self.issue_id, "whose": whose, "batch": claimed.batch, "sub_revision": sub_revision}
        if not all_may:
            found = statements.CLAIM_AND_MARK.run(connection, values | {"newsletter": self.newsletter})
            return frozenset(one for (one,) in found.fetchall())
        span = {"rendition": claimed.rendition, "first": whose[0], "last": whose[-1], "now": now}
        marked = int(statements.STROKE.run(connection, values | span).rowcount)
        _expect(marked, (0, len(whose)))
        return frozenset(whose if marked else ())

    def unmark(self, connection: Connection, batch: int, whose: Sequence[int]) -> None:
        """Take marks back in the transaction that made them: only claimed, nothing will be sent."""
        statements.UNMARK.run(connection, {"issue": self.issue_id, "whose": list(whose), "batch": batch})

    def _next(
        self, connection: Connection, waiting: Prepared, size: int, *, now: datetime, lease: timedelta, sub_revision: int
    ) -> tuple[Claimed, list[Recipient], bool] | None:
        """Who is next, their batch, and whether all of them may be mailed, where `waiting` asks for that."""
        first = statements.FIRST.run(connection, {"issue": self.issue_id, "now": now}).fetchone()
        if first is None:
            return None
        (rendition,) = first
        if self.closed_from is not None and rendition >= self.closed_from:
            return None  # it is the first that has anybody, and neither its time nor that of those behind it has come
        values = {"issue": self.issue_id, "rendition": rendition, "size": size, "now": now, "newsletter": self.newsletter}
        found = waiting.run(connection, values).fetchall()
        whose = [row[0] for row in found]
        batch = open_batch(
            connection,
            self.issue_id,
            rendition=rendition,
            provider=self.provider,
            owner=self.owner,
            until=now + lease,
            size=len(whose),
        )
        words = sub_revision_words(sub_revision)
        self._note(connection, batch, _S.PLANNED, _S.CLAIMED, now=now, count=len(whose), reason=words)
        recipients = [Recipient._make(row[:6]) for row in found if row[1] is not None]
        claimed = Claimed(batch, rendition, tuple(whose), tuple(row[2] or "" for row in found))
        return claimed, recipients, bool(found) and all(row[-1] for row in found)

    def _hold(self, connection: Connection, batch: int, whose: Sequence[int]) -> None:
        statements.HOLD.run(connection, {"issue": self.issue_id, "whose": whose, "batch": batch})

    def mark(
        self,
        connection: Connection,
        marks: Sequence[Mark],
        *,
        now: datetime,
        sub_revision: int = 0,
        already: Mapping[int, frozenset[int]] = MappingProxyType({}),
    ) -> list[list[int] | Refusal]:
        """Mark claimed deliveries as sending; for each of `marks` those for whom everything holds, in their order.

        Consent, suppression, our lease, the kill switch, that the issue is being sent as it was approved, and that no article
        was withdrawn since `sub_revision` are part of the mark itself. Those who left meanwhile are cancelled, those
        suppressed are suppressed. Where there is a `Refusal` instead, nothing of that one was marked. `already` are those whom
        `claim_and_mark` has marked already, in this transaction, by their batches.
        """
        theirs = {mark.batch: already.get(mark.batch, _NOBODY) for mark in marks}
        rest = [mark for mark in marks if not theirs[mark.batch].issuperset(mark.recipients)]
        marked = self._mark(connection, rest, theirs, now, sub_revision) if rest else set()
        return [
            self._marked(connection, mark, marked, now, sub_revision) if mark in rest else list(mark.recipients) for mark in marks
        ]

    def settle(
        self, connection: Connection, settles: Sequence[Settle], *, now: datetime, retry_at: Mapping[int, datetime]
    ) -> Counter[int]:
        """Write down what became of marked deliveries; a deferred one is not tried before its time in `retry_at`.

        Where somebody has meanwhile taken us for dead and called a delivery unknown, our answer is the evidence. Returns how
        many of each batch were accepted without a line of their own.
        """
        counts = Counter[int]()
        settles = [settle for settle in settles if not self._accept_whole(connection, settle, counts, now)]
        accepted = self._accept(connection, settles)
        for settle in settles:
            batch, answer = settle.batch, settle.answer
            for place, (one, outcome) in enumerate(zip(settle.recipients, answer.outcomes, strict=True)):
                if outcome is not Outcome.ACCEPTED:
                    words = answer.texts.get(place, answer.text)
                    self._depart(connection, batch, one, DeliveryState(outcome.value), words, now, retry_at.get(one))
                elif one in accepted:
                    counts[batch] += 1
                else:
                    self._arrive_late(connection, batch, one, _S.ACCEPTED, "the answer came late", now)
        return counts

    def take_back(self, connection: Connection, batch: int, whose: Sequence[int], *, now: datetime) -> None:
        """Marked deliveries did not leave, by our own doing: the marks are taken back, they were no attempts, and all are given back.

        Where somebody has meanwhile taken us for dead and called one unknown, this is the evidence.
        """
        values = {"issue": self.issue_id, "whose": list(whose), "batch": batch}
        marked, doubted = (statements.TAKE_BACK[state].run(connection, values).fetchall() for state in (_S.SENDING, _S.UNKNOWN))
        self._note(connection, batch, _S.CLAIMED, _S.PLANNED, now=now, count=len(marked), reason=NOT_HANDED_OVER)
        for (one,) in doubted:
            self._note(connection, batch, _S.UNKNOWN, _S.PLANNED, now=now, subscriber=one, reason=NOT_HANDED_OVER)

    def release(
        self, connection: Connection, batch: int, whose: Sequence[int], *, now: datetime, until: datetime | None = None
    ) -> None:
        """Give claimed deliveries back: nothing was sent. With `until`, nobody claims them before."""
        given_back = self._leave(connection, batch, whose, _S.CLAIMED, _S.PLANNED, when=until)
        self._note(connection, batch, _S.CLAIMED, _S.PLANNED, now=now, count=given_back, reason="released")

    def finish(self, connection: Connection, batch: int, *, now: datetime, accepted: int | None = None) -> None:
        """Close a batch of ours, of which so many were accepted as `settle` has counted; None: nobody has."""
        close_batch(connection, self.issue_id, batch, now=now, actor=self.owner, accepted=accepted)

    def renew(self, connection: Connection, batch: int, *, now: datetime, lease: timedelta, deadline: datetime) -> bool:
        """Keep a batch that is still worked on; `deadline` is when its requests will have ended. False: it is not ours any more."""
        values = {"batch": batch, "holder": self.owner, "now": now, "until": now + lease, "deadline": deadline}
        return int(statements.RENEW.run(connection, values).rowcount) == 1

    def _accept_whole(self, connection: Connection, settle: Settle, counts: Counter[int], now: datetime) -> bool:
        """Where a request of many was accepted whole, and nobody called any of it unknown: in a statement that lists nobody."""
        whose, outcomes = settle.recipients, settle.answer.outcomes
        if len(whose) < 2 or len(whose) != len(outcomes) or set(outcomes) != {Outcome.ACCEPTED}:
            return False
        values = {"issue": self.issue_id, "whose": whose, "first": min(whose), "last": max(whose), "batch": settle.batch}
        accepted = int(statements.ACCEPT_WHOLE.run(connection, values).rowcount)
        _expect(accepted, range(len(whose) + 1))
        counts[settle.batch] += accepted
        if accepted < len(whose):
            for one in whose:
                self._arrive_late(connection, settle.batch, one, _S.ACCEPTED, "the answer came late", now)
        return True

    def _accept(self, connection: Connection, settles: Sequence[Settle]) -> set[int]:
        accepted = [
            one
            for settle in settles
            for one, outcome in zip(settle.recipients, settle.answer.outcomes, strict=True)
            if outcome is Outcome.ACCEPTED
        ]
        if not accepted:
            return set()
        values = {"issue": self.issue_id, "whose": accepted, "batches": [settle.batch for settle in settles]}
        return {one for (one,) in statements.ACCEPT.run(connection, values).fetchall()}

    def _depart(
        self,
        connection: Connection,
        batch: int,
        one: int,
        state: DeliveryState,
        words: str,
        now: datetime,
        retry_at: datetime | None,
    ) -> None:
        """One delivery goes another way than its batch."""
        when = retry_at if state is _S.DEFERRED else None
        if self._leave(connection, batch, [one], _S.SENDING, state, words=words, when=when):
            self._note(connection, batch, _S.CLAIMED, state, now=now, subscriber=one, reason=words)
        elif state is not _S.UNKNOWN:
            self._arrive_late(connection, batch, one, _S.PLANNED if state is _S.DEFERRED else state, words, now)

    def _mark(
        self,
        connection: Connection,
        marks: Sequence[Mark],
        already: Mapping[int, frozenset[int]],
        now: datetime,
        sub_revision: int,
    ) -> set[tuple[int, int]]:
        """Who of these is marked now, each with the batch."""
        pairs = [(one, mark.batch) for mark in marks for one in mark.recipients]
        values = {
            "issue": self.issue_id,
            "whose": [one for one, batch in pairs if one not in already[batch]],
            "batches": [mark.batch for mark in marks],
            "owner": self.owner,
            "now": now,
            "newsletter": self.newsletter,
            "sub_revision": sub_revision,
        }
        marked = self._of_their_batch(connection, marks, statements.MARK.run(connection, values).fetchall())
        return marked | {(one, batch) for one, batch in pairs if one in already[batch]}

    def _of_their_batch(
        self, connection: Connection, marks: Sequence[Mark], found: Sequence[tuple[int, int]]
    ) -> set[tuple[int, int]]:
        """Those marked with their batches; a delivery that has meanwhile come to another of our batches was asked for by a
        lane that has lost it, and is not marked through that."""
        marked = {(one, batch) for one, batch in found}
        for one, batch in marked - {(one, mark.batch) for mark in marks for one in mark.recipients}:
            self.unmark(connection, batch, [one])
        return marked

    def _marked(
        self, connection: Connection, mark: Mark, marked: set[tuple[int, int]], now: datetime, sub_revision: int
    ) -> list[int] | Refusal:
        ours = [one for one in mark.recipients if (one, mark.batch) in marked]
        if len(ours) != len(mark.recipients):
            left = [one for one in mark.recipients if (one, mark.batch) not in marked]
            try:
                self._leave_out(connection, mark.batch, left, now, nobody=not ours, sub_revision=sub_revision)
            except Refusal as refused:
                return refused
        return ours

    def _leave_out(
        self, connection: Connection, batch: int, whose: Sequence[int], now: datetime, *, nobody: bool, sub_revision: int
    ) -> None:
        """Say why these were not marked: they left, are paused or suppressed, or nothing of the issue may be sent."""
        values = {"issue": self.issue_id, "whose": whose, "newsletter": self.newsletter}
        found = statements.LEFT.run(connection, values).fetchall()
        there = {one: (bool(suppressed), bool(active), bool(paused)) for one, suppressed, active, paused in found}
        stayed = [one for one in whose if there.get(one, (True, False))[:2] == (False, True)]
        if stayed and nobody:
            raise refusal(connection, self.issue_id, sub_revision)
        for one in whose:
            if one in stayed:
                continue
            suppressed, _, paused = there.get(one, (False, False, False))
            state = _S.SUPPRESSED if suppressed else _S.CANCELLED
            words = "suppressed while waiting" if suppressed else "paused while waiting" if paused else "no longer subscribed"
            if self._leave(connection, batch, [one], _S.CLAIMED, state, words=words):
                self._note(connection, batch, _S.CLAIMED, state, now=now, subscriber=one, reason=words)

    def _arrive_late(self, connection: Connection, batch: int, one: int, state: DeliveryState, words: str, now: datetime) -> None:
        if self._leave(connection, batch, [one], _S.UNKNOWN, state, words=words):
            self._note(connection, batch, _S.UNKNOWN, state, now=now, subscriber=one, reason=words)

    def _leave(
        self,
        connection: Connection,
        batch: int,
        whose: Sequence[int],
        from_state: DeliveryState,
        to_state: DeliveryState,
        *,
        words: str | None = None,
        when: datetime | None = None,
    ) -> int:
        """Compare and set; returns of how many it was true."""
        if not whose:
            return 0
        values = {
            "issue": self.issue_id,
            "whose": whose,
            "batch": batch,
            "to_state": to_state.value,
            "words": words,
            "when": when,
        }
        return int(statements.LEAVE[from_state].run(connection, values).rowcount)

    def _note(
        self,
        connection: Connection,
        batch: int,
        from_state: DeliveryState,
        to_state: DeliveryState,
        *,
        now: datetime,
        count: int = 1,
        subscriber: int | None = None,
        reason: str | None = None,
    ) -> None:
        note(
            connection,
            self.issue_id,
            from_state,
            to_state,
            now=now,
            actor=self.owner,
            count=count,
            batch=batch,
            subscriber=subscriber,
            reason=reason,
        )


def _expect(found: int, those: Container[int]) -> None:
    """Nothing of a transaction holds in which a statement came to more rows, or fewer, than it may."""
    if found not in those:
        raise DigestError(
            f"the ledger changed {found} deliveries where that cannot be; nothing more should be sent before this is understood"
        )
