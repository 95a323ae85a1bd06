"""Covering: what readers have had already, from another tool, is written down, and never sent to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from digest.app.wiring import App
from digest.audience.dialects import among
from digest.audience.finding import find_subscriber
from digest.audience.had_already import EVERYBODY, missing, remember
from digest.audience.had_list import HEADLESS, parse_list
from digest.audience.import_report import BadRow
from digest.catalogue.articles import find_article, published_before
from digest.delivery.transitions import COUNTS_AS_SENT, DeliveryState
from digest.errors import Refused, UsageError
from digest.issues.issue import issue_by_id
from digest.store import tables

_OPEN = [state.value for state in COUNTS_AS_SENT if state is not DeliveryState.ACCEPTED]
_Pairs = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Covered:
    """What came of it: how many articles and readers the pairs are of, how many pairs are new and how many were known.

    `readers` is None where everybody has had them. `bad` are the lines of the list that were left out.
    """

    articles: int
    readers: int | None
    new: int
    known: int
    bad: tuple[BadRow, ...] = ()


def cover_before(app: App, before: datetime, email: str | None, *, actor: str, dry_run: bool) -> Covered:
    """Everybody, or one reader, has had every article that came out before a time."""
    if before > app.now:
        raise UsageError(f"--before: {before:%Y-%m-%d %H:%M %Z} is still to come; nobody has had what has not come out")
    with app.store.writing() as connection:
        reader = EVERYBODY if email is None else _reader(connection, email)
        pairs = [(article, reader) for article in published_before(connection, before)]
        return _cover(app, connection, pairs, (), actor, dry_run=dry_run)


def cover_list(app: App, lines: Iterable[str], email: str | None, *, actor: str, dry_run: bool) -> Covered:
    """Everybody, one reader, or the reader whom each line names, has had the articles of a list; a bad line stops only itself."""
    with app.store.writing() as connection:
        reader = EVERYBODY if email is None else _reader(connection, email)
        pairs: _Pairs = []
        bad: list[BadRow] = []
        known: dict[str, int] = {}
        for line in parse_list(lines):
            try:
                if line.wrong is not None:
                    raise UsageError(line.wrong)
                if line.email is not None and email is not None:
                    raise UsageError("names a reader, and --subscriber names one, too; leave one of them out")
                article = find_article(connection, line.article).id
                if line.email is not None and line.email not in known:
                    known[line.email] = _reader(connection, line.email)
                pairs.append((article, reader if line.email is None else known[line.email]))
            except UsageError as error:
                hint = HEADLESS if line.headless and not bad else ""
                bad.append(BadRow(line.number, f"{error}{hint}"))
        return _cover(app, connection, pairs, tuple(bad), actor, dry_run=dry_run)


def _reader(connection: Connection, email: str) -> int:
    person = find_subscriber(connection, email)
    if person is None:
        raise UsageError(f"nobody is known by {email}; `digest subscribers list` shows who is")
    return person.id


def _cover(app: App, connection: Connection, pairs: _Pairs, bad: tuple[BadRow, ...], actor: str, *, dry_run: bool) -> Covered:
    every = set(pairs)
    new = missing(connection, every)
    _nothing_on_its_way(connection, new)
    if not dry_run:
        remember(connection, new, actor=actor, now=app.now)
    readers = {reader for _, reader in every}
    return Covered(
        articles=len({article for article, _ in every}),
        readers=None if EVERYBODY in readers else len(readers),
        new=len(new),
        known=len(every) - len(new),
        bad=bad,
    )


def _nothing_on_its_way(connection: Connection, pairs: _Pairs) -> None:
    """What is planned or in doubt would still be sent after it was said to have been had."""
    row, held = tables.delivery.c, tables.rendition_article.c
    wanted = set(pairs)
    query = (
        select(row.issue_id, held.article_id, row.subscriber_id)
        .join(tables.rendition_article, (held.issue_id == row.issue_id) & (held.rendition == row.rendition))
        .where(row.state.in_(_OPEN), among(connection, held.article_id, {article for article, _ in pairs}))
    )
    for issue_id, article, reader in connection.execute(query):
        if (article, reader) in wanted or (article, EVERYBODY) in wanted:
            name = issue_by_id(connection, issue_id).name
            raise Refused(
                f"article {article} is on its way with {name} just now; let that end, or `digest issues cancel {name}`,"
                f" and say it again: nothing was written down"
            )
