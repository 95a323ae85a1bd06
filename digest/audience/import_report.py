"""The import's report: what became of every row of some files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from digest.audience.elsewhere.reading import Understood
from digest.audience.enrolment import Enrolment
from digest.audience.joining import Outcome
from digest.audience.repeats import Repeats
from digest.audience.rows import Reject
from digest.audience.suppression import Shut
from digest.audience.wish import Wish

BAD_ROWS_KEPT = 1000
"""How many bad rows a report names; all are counted."""

_LONGEST_REASON = 400
_OF_LEAVERS = (Outcome.LEFT, Outcome.ENDED, Outcome.STAYED, Outcome.GONE)


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was left out: its line in the file, counted from 1, and why; `file` where a ZIP has several."""

    line: int
    reason: str
    file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What became of every row: `rows` is the sum of the eight counts after it.

    `kept_away` had unsubscribed here and stay so. `left` unsubscribed with the other tool: of them `newly_left` were not
    known here and are now known as having left, the subscriptions of `ended_here` have ended, and `stayed_here` are served
    as before, since they agreed here themselves, or after they had left there; the others had left here already. `shut`
    bounced or complained with the other tool, or are on its blocklist: their addresses are suppressed; `newly_shut` of
    them are new, and `shut_here` have a subscription here, which is not served any more. `left_out` never agreed there.

    `suppressed` counts, among the wishes, those whose address must not be mailed: their wish is recorded and nothing is
    sent. `choices_kept` counts those who chose their topics or frequency here themselves, and keep them. `twice` counts
    the rows whose address had stood in the files before. `bad_rows` names the first thousand. `interrupted`: it was told to
    end, and there is more in the files.
    """

    rows: int
    added: int
    updated: int
    unchanged: int
    kept_away: int
    left: int
    shut: int
    left_out: int
    bad: int
    suppressed: int
    choices_kept: int
    twice: int
    newly_left: int
    ended_here: int
    stayed_here: int
    newly_shut: int
    shut_here: int
    shut_by_reason: dict[str, int]
    bad_rows: tuple[BadRow, ...]
    files: tuple[Understood, ...]
    passed_over: tuple[str, ...]
    interrupted: bool


@dataclass(slots=True)
class Tally:
    """The report as it grows, transaction by transaction."""

    on_bad: Reject | None = None
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    shut: Counter[str] = field(default_factory=Counter)
    left_out: int = 0
    newly_shut: int = 0
    shut_here: int = 0
    suppressed: int = 0
    choices_kept: int = 0
    bad: int = 0
    bad_rows: list[BadRow] = field(default_factory=list)
    files: list[Understood] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    interrupted: bool = False
    addresses: Repeats = field(default_factory=Repeats)

    def reject(self, file: str, line: int, reason: str, row: str) -> None:
        """A bad row."""
        self.bad += 1
        reason = reason[:_LONGEST_REASON]
        if len(self.bad_rows) < BAD_ROWS_KEPT:
            self.bad_rows.append(BadRow(line, reason, file))
        if self.on_bad is not None:
            self.on_bad(file, line, reason, row)

    def add_shut(self, shut: Sequence[Shut], new: int, served: int) -> None:
        """Some who must not be mailed: how many are new, and how many of them are served here."""
        self.shut.update(one.reason for one in shut)
        self.newly_shut += new
        self.shut_here += served
        self.addresses.add(one.address for one in shut)

    def add_enrolment(self, wishes: Sequence[Wish], enrolment: Enrolment) -> None:
        """Some wishes, and how they came out."""
        self.outcomes.update(enrolment.outcomes)
        self.choices_kept += enrolment.choices_kept
        if enrolment.suppressed:
            self.suppressed += sum(wish.address in enrolment.suppressed and not wish.left for wish in wishes)
        self.addresses.add(wish.address for wish in wishes)

    @property
    def rows(self) -> int:
        """All of them so far."""
        return self.outcomes.total() + self.shut.total() + self.left_out + self.bad

    def report(self) -> ImportReport:
        """What it came to."""
        return ImportReport(
            rows=self.rows,
            added=self.outcomes[Outcome.ADDED],
            updated=self.outcomes[Outcome.UPDATED],
            unchanged=self.outcomes[Outcome.UNCHANGED],
            kept_away=self.outcomes[Outcome.KEPT_AWAY],
            left=sum(self.outcomes[one] for one in _OF_LEAVERS),
            shut=self.shut.total(),
            left_out=self.left_out,
            bad=self.bad,
            suppressed=self.suppressed,
            choices_kept=self.choices_kept,
            twice=self.addresses.many(),
            newly_left=self.outcomes[Outcome.LEFT],
            ended_here=self.outcomes[Outcome.ENDED],
            stayed_here=self.outcomes[Outcome.STAYED],
            newly_shut=self.newly_shut,
            shut_here=self.shut_here,
            shut_by_reason=dict(self.shut),
            bad_rows=tuple(self.bad_rows),
            files=tuple(self.files),
            passed_over=tuple(self.passed_over),
            interrupted=self.interrupted,
        )
