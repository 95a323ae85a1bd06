"""Importing subscribers from files of ours and of other tools: a million rows in little memory, a bad row stops only itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection

from digest.audience.consent import Evidence, Source
from digest.audience.elsewhere.reading import How, NoList
from digest.audience.enrolment import enrol
from digest.audience.finding import count_served
from digest.audience.import_report import ImportReport, Tally
from digest.audience.rows import Opened, Reject, Row, open_rows
from digest.audience.suppression import Shut, suppress_all
from digest.audience.text_file import TextFile
from digest.audience.wish import Offer, Wish
from digest.errors import UsageError
from digest.settings import NewsletterSettings

ROWS_AT_ONCE = 10_000
"""How many rows are read for one transaction."""

Begin = Callable[[], AbstractContextManager[Connection]]
_BY_IMPORT = Evidence(Source.IMPORT)


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
    nothing, and so does an empty cell, but that empty `topics` mean all. Nobody who unsubscribed, here or with another
    tool, is brought back, even by `confirmed`, no suppression is lifted, and what people agreed to or chose here
    themselves stays. A wrong header is a `UsageError`, and nothing of that file was done; of
    several files (a ZIP's) one that is no list of people is passed over. `on_progress` is told the rows read so far;
    `stopped` is asked after each transaction.
    """
    offer, tally = Offer.of(newsletter), Tally(on_bad)
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


def _opened(files: Iterable[TextFile], open_file: Callable[[TextFile], Opened], tally: Tally) -> Iterator[Opened]:
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


def _take_in(connection: Connection, newsletter: NewsletterSettings, rows: list[Row], tally: Tally, now: datetime) -> None:
    """Who is shut comes first: so the wishes know of them."""
    wishes = [row for row in rows if type(row) is Wish]
    shut = [row for row in rows if type(row) is Shut]
    if shut:
        new = suppress_all(connection, shut, now=now)
        tally.add_shut(shut, new, count_served(connection, newsletter.slug, {one.address for one in shut}))
    if wishes:
        tally.add_enrolment(wishes, enrol(connection, newsletter, wishes, may_return=False, now=now, evidence=_BY_IMPORT))
    tally.left_out += len(rows) - len(wishes) - len(shut)
