"""Importing subscribers from files of ours and of other tools: a million rows in little memory, a bad row stops only itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection, func, select

from digest.audience.consent import Evidence, Source
from digest.audience.dialects import among
from digest.audience.elsewhere.reading import How, NoList, Understood
from digest.audience.enrolment import enrol
from digest.audience.joining import Outcome
from digest.audience.rows import Opened, Reject, Row, open_rows
from digest.audience.subscription import SubscriptionState
from digest.audience.suppression import Shut, suppress_all
from digest.audience.text_file import TextFile
from digest.audience.wish import Offer, Wish
from digest.errors import UsageError
from digest.settings import NewsletterSettings
from digest.store import tables

ROWS_AT_ONCE = 10_000
"""How many rows are read for one transaction."""

BAD_ROWS_KEPT = 1000
"""How many bad rows a report names; all are counted."""

Begin = Callable[[], AbstractContextManager[Connection]]
_BY_IMPORT = Evidence(Source.IMPORT)
_SERVED = (SubscriptionState.ACTIVE.value, SubscriptionState.PAUSED.value, SubscriptionState.PENDING.value)


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was left out: its line in the file, counted from 1, and why; `file` where a ZIP has several."""

    line: int
    reason: str
    file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What became of every row: `rows` is the sum of the seven counts after it.

    `kept_away` had unsubscribed here and stay so. `shut` left, bounced or complained with the other tool, or are on its
    blocklist: their addresses are suppressed; `left_out` never agreed there. `suppressed` counts, among the wishes, those
    whose address must not be mailed: their wish is recorded and nothing is sent. Of those who are `shut`, `newly_shut`
    addresses are new, and `shut_here` have a subscription here, which is not served any more. `bad_rows` names the
    first thousand. `interrupted`: it was told to end, and there is more in the files.
    """

    rows: int
    added: int
    updated: int
    unchanged: int
    kept_away: int
    shut: int
    left_out: int
    bad: int
    suppressed: int
    newly_shut: int
    shut_here: int
    shut_by_reason: dict[str, int]
    bad_rows: tuple[BadRow, ...]
    files: tuple[Understood, ...]
    passed_over: tuple[str, ...]
    interrupted: bool


@dataclass(slots=True)
class _Tally:
    on_bad: Reject | None = None
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    shut: Counter[str] = field(default_factory=Counter)
    left_out: int = 0
    newly_shut: int = 0
    shut_here: int = 0
    suppressed: int = 0
    bad: int = 0
    bad_rows: list[BadRow] = field(default_factory=list)
    files: list[Understood] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    interrupted: bool = False

    def reject(self, file: str, line: int, reason: str, row: str) -> None:
        self.bad += 1
        if len(self.bad_rows) < BAD_ROWS_KEPT:
            self.bad_rows.append(BadRow(line, reason[:400], file))
        if self.on_bad is not None:
            self.on_bad(file, line, reason[:400], row)

    @property
    def rows(self) -> int:
        return self.outcomes.total() + self.shut.total() + self.left_out + self.bad

    def report(self) -> ImportReport:
        return ImportReport(
            rows=self.rows,
            added=self.outcomes[Outcome.ADDED],
            updated=self.outcomes[Outcome.UPDATED],
            unchanged=self.outcomes[Outcome.UNCHANGED],
            kept_away=self.outcomes[Outcome.KEPT_AWAY],
            shut=self.shut.total(),
            left_out=self.left_out,
            bad=self.bad,
            suppressed=self.suppressed,
            newly_shut=self.newly_shut,
            shut_here=self.shut_here,
            shut_by_reason=dict(self.shut),
            bad_rows=tuple(self.bad_rows),
            files=tuple(self.files),
            passed_over=tuple(self.passed_over),
            interrupted=self.interrupted,
        )


def import_files(
    begin: Begin,
    newsletter: NewsletterSettings,
    files: Iterable[TextFile],
    *,
    how: How | None = None,
    now: datetime,
    on_progress: Callable[[int], None] | None = None,
    on_bad: Reject | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> ImportReport:
    """Add or change everybody in some files.

    `begin` opens a transaction that is committed at its end; there is one for each ten thousand rows, so that nobody
    waits long for the database. An import that was interrupted has done whole transactions: run it again, nothing
    happens twice. Of an address that stands twice the later row speaks last. Of a file of ours a missing column says
    nothing, and so does an empty cell, but that empty `topics` mean all. Nobody who unsubscribed is brought back, even by
    `confirmed`, and no suppression is lifted. A wrong header is a `UsageError`, and nothing of that file was done; of
    several files (a ZIP's) one that is no list of people is passed over. `on_progress` is told the rows read so far;
    `stopped` is asked after each transaction.
    """
    offer, tally = Offer.of(newsletter), _Tally(on_bad)
    titles = {slug: topic.title for slug, topic in newsletter.offered.items()}
    for opened in _opened(files, lambda file: open_rows(file, offer, titles, how or How(), tally.reject, now=now), tally):
        tally.files.append(opened.understood)
        while not tally.interrupted and (rows := list(islice(opened.rows, ROWS_AT_ONCE))):
            with begin() as connection:
                _take_in(connection, newsletter, rows, tally, now)
            if on_progress is not None:
                on_progress(tally.rows)
            tally.interrupted = stopped()
        if tally.interrupted:
            break
    return tally.report()


def import_csv(
    begin: Begin,
    newsletter: NewsletterSettings,
    lines: Iterable[str],
    *,
    now: datetime,
    on_progress: Callable[[int], None] | None = None,
) -> ImportReport:
    """The same of one file, by its lines."""
    file = TextFile("", "UTF-8", False, iter(lines))
    return import_files(begin, newsletter, [file], now=now, on_progress=on_progress)


def _opened(files: Iterable[TextFile], open_file: Callable[[TextFile], Opened], tally: _Tally) -> Iterator[Opened]:
    for file in files:
        try:
            opened = open_file(file)
        except NoList as error:
            if not file.packed:
                raise
            tally.passed_over.append(f"{file.name}: {error}")
            continue
        yield opened
    if tally.passed_over and not tally.files:
        raise UsageError(f"no file in it is a list of people: {'; '.join(tally.passed_over)[:1000]}")


def _take_in(connection: Connection, newsletter: NewsletterSettings, rows: list[Row], tally: _Tally, now: datetime) -> None:
    """Who is shut comes first: so the wishes know of them."""
    wishes = [row for row in rows if type(row) is Wish]
    shut = [row for row in rows if type(row) is Shut]
    if shut:
        tally.newly_shut += suppress_all(connection, shut, now=now)
        tally.shut_here += _served_here(connection, newsletter.slug, {one.address for one in shut})
        tally.shut.update(one.reason for one in shut)
    if wishes:
        enrolment = enrol(connection, newsletter, wishes, may_return=False, now=now, evidence=_BY_IMPORT)
        tally.outcomes.update(enrolment.outcomes)
        if enrolment.suppressed:
            tally.suppressed += sum(wish.address in enrolment.suppressed for wish in wishes)
    tally.left_out += len(rows) - len(wishes) - len(shut)


def _served_here(connection: Connection, newsletter: str, addresses: set[str]) -> int:
    person, subscription = tables.subscriber.c, tables.subscription.c
    served = (
        select(func.count())
        .select_from(tables.subscriber.join(tables.subscription, subscription.subscriber_id == person.id))
        .where(
            among(connection, person.address, addresses),
            subscription.newsletter == newsletter,
            subscription.state.in_(_SERVED),
        )
    )
    return int(connection.execute(served).scalar_one())
