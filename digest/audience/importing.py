"""Importing subscribers from a CSV file: a million rows in little memory, and a bad row stops only itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection

from digest.audience.consent import Evidence, Source
from digest.audience.csv_file import Layout, read_header
from digest.audience.enrolment import enrol
from digest.audience.joining import Outcome
from digest.audience.wish import Offer, Wish, choose, make_wish
from digest.errors import UsageError
from digest.settings import NewsletterSettings

ROWS_AT_ONCE = 5000
"""How many rows are read for one transaction."""

BAD_ROWS_KEPT = 1000
"""How many bad rows a report names; all are counted."""

_CONFIRMED = {"yes": True, "no": False, "": False}


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was left out: its line in the file, counted from 1, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What became of every row: `rows` is the sum of the five counts after it.

    `kept_away` had unsubscribed and stay so. `suppressed` counts, among the rows that are not bad, those whose address
    must not be mailed: their wish is recorded and nothing is sent. `bad_rows` names the first thousand.
    """

    rows: int
    added: int
    updated: int
    unchanged: int
    kept_away: int
    bad: int
    suppressed: int
    bad_rows: tuple[BadRow, ...]


@dataclass(slots=True)
class _Tally:
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    suppressed: int = 0
    bad: int = 0
    bad_rows: list[BadRow] = field(default_factory=list)

    def reject(self, line: int, reason: str) -> None:
        self.bad += 1
        if len(self.bad_rows) < BAD_ROWS_KEPT:
            self.bad_rows.append(BadRow(line, reason[:400]))

    @property
    def rows(self) -> int:
        return self.outcomes.total() + self.bad

    def report(self) -> ImportReport:
        return ImportReport(
            rows=self.rows,
            added=self.outcomes[Outcome.ADDED],
            updated=self.outcomes[Outcome.UPDATED],
            unchanged=self.outcomes[Outcome.UNCHANGED],
            kept_away=self.outcomes[Outcome.KEPT_AWAY],
            bad=self.bad,
            suppressed=self.suppressed,
            bad_rows=tuple(self.bad_rows),
        )


def import_csv(
    begin: Callable[[], AbstractContextManager[Connection]],
    newsletter: NewsletterSettings,
    lines: Iterable[str],
    *,
    now: datetime,
    on_progress: Callable[[int], None] | None = None,
) -> ImportReport:
    """Add or change everybody in a file, by its lines (`reading_lines` reads them).

    `begin` opens a transaction that is committed at its end; there is one for each five thousand rows, so that nobody
    waits long for the database. An import that was interrupted has done whole transactions: run it again, nothing
    happens twice. Of an address that stands twice in the file the later row speaks last. A missing column says
    nothing, and so does an empty cell, but that empty `topics` mean all. Nobody who unsubscribed is brought back, even by
    `confirmed`. A wrong header is a `UsageError`, and nothing was done. `on_progress` is told the rows read so far.
    """
    numbered = enumerate(lines, start=1)
    layout = _layout(numbered)
    offer, tally = Offer.of(newsletter), _Tally()
    while wishes := list(islice(_wishes(numbered, layout, offer, tally), ROWS_AT_ONCE)):
        with begin() as connection:
            enrolment = enrol(connection, newsletter, wishes, may_return=False, now=now, evidence=Evidence(Source.IMPORT))
        tally.outcomes.update(enrolment.outcomes)
        tally.suppressed += sum(wish.address in enrolment.suppressed for wish in wishes)
        if on_progress is not None:
            on_progress(tally.rows)
    return tally.report()


def _layout(numbered: Iterator[tuple[int, str]]) -> Layout:
    for number, line in numbered:
        if line.strip("\ufeff \t\r\n"):
            try:
                return read_header(line)
            except UsageError as error:
                raise UsageError(f"line {number}: {error}") from None
    raise UsageError("the file is empty: its first line must be the header, of which only email is required")


def _wishes(numbered: Iterator[tuple[int, str]], layout: Layout, offer: Offer, tally: _Tally) -> Iterator[Wish]:
    for number, line in numbered:
        try:
            cells = layout.cells(line)
            if cells is not None:
                yield _wish(cells, offer)
        except UsageError as error:
            tally.reject(number, str(error))


def _wish(cells: dict[str, str], offer: Offer) -> Wish:
    said = cells.get("confirmed", "")
    confirmed = _CONFIRMED.get(said.lower())
    if confirmed is None:
        raise UsageError(f"confirmed is {said[:64]!r}: write yes or no")
    if not cells["email"]:
        raise UsageError("has no e-mail address")
    choices = choose(offer, cells.get("topics"), cells.get("frequency"), cells.get("timezone"), cells.get("language"))
    return make_wish(cells["email"], cells.get("name"), choices, confirmed=confirmed)
