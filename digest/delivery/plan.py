"""The plan: the audience of an approved issue, frozen as one delivery each, in one transaction.

Set-based throughout: subscriptions that are alike (same topics, coverage point, owed and had articles, language) are one group;
selection runs once for each distinct group, and the deliveries are written by one INSERT ... SELECT. The subscribers
themselves are never loaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from queue import SimpleQueue
from typing import Any, cast

from sqlalchemy import ColumnElement, Connection, FromClause, Select, Table, case, func, insert, literal, select

from digest.audience.dialects import insert_all
from digest.audience.had_already import had_by_everybody
from digest.audience.pausing import paused
from digest.audience.readership import of_frequency
from digest.audience.tongues import language_column, other_tongues
from digest.delivery import correcting, had
from digest.delivery.composing import Composed, Composer, Group
from digest.delivery.transitions import DeliveryState
from digest.delivery.waves import Waves
from digest.issues import pool
from digest.issues.frozen import Frozen
from digest.issues.issue import Issue, frozen_of
from digest.issues.lifecycle import IssueState, step
from digest.issues.withdrawn import withdrawn_from
from digest.rendering.content import Arrangement
from digest.store import tables
from digest.store.planner import inform_planner
from digest.store.tables.columns import instant_text, json_text

_CHUNK = 1000
_AT_ONCE = 100  # groups that are waited for together
_MANY = 1000  # deliveries: of fewer a store finds its way among them anyhow


def plan(connection: Connection, issue: Issue, frozen: Frozen, *, now: datetime, waves: Waves | None = None) -> int:
    """Freeze the audience of an approved issue and return its size; the issue is then being sent. With `waves`, each in its own."""
    inform_planner(connection)
    audience = correcting.plan(connection, issue, frozen) if issue.is_correction else _plan(connection, issue, frozen, waves)
    step(
        connection,
        issue.id,
        issue.name,
        IssueState.APPROVED,
        IssueState.SENDING,
        actor="plan",
        now=now,
        audience=audience,
        paused_readers=paused(connection, issue.newsletter, issue.frequency),
        planned_at=now,
    )
    inform_planner(connection, (tables.delivery, tables.audience_group) if audience >= _MANY else ())
    return audience


def _plan(connection: Connection, issue: Issue, frozen: Frozen, waves: Waves | None) -> int:
    renditions_had = had.find(connection, issue, frozen)
    already = frozenset(had_by_everybody(connection))
    composer = Composer(issue, frozen, renditions_had.articles, withdrawn_from(connection, issue.id), already)
    readers = _Readers(renditions_had.table, tongues_of(connection, frozen), frozen.content.language, waves)
    composed = _compose(composer, _groups(connection, issue, frozen, readers))
    numbers = _keep_renditions(connection, issue, frozen, composed, waves)
    _keep_groups(connection, issue, composed, numbers)
    audience = _insert_deliveries(connection, issue, frozen, readers)
    had.forget(connection, renditions_had)
    return audience


def count_audience(connection: Connection, issue: Issue) -> int:
    """How many subscriptions an issue's plan would consider just now."""
    if issue.is_correction:
        return correcting.count_audience(connection, issue)
    audience = _audience(issue, frozen_of(connection, issue))
    return int(connection.execute(select(func.count()).select_from(audience.subquery())).scalar_one())


def _audience(issue: Issue, frozen: Frozen) -> Select[tuple[int]]:
    """The subscriptions that an issue considers.

    Somebody who came in since the freeze and lags behind all that it holds waits for the next issue, which holds it. Who is
    suppressed lags behind for ever, and is counted all the same.
    """
    row = tables.subscription.c
    where = [row.newsletter == issue.newsletter, of_frequency(issue.frequency), row.state == "active"]
    if not frozen.bounded:
        where.append((row.coverage >= frozen.floor) | row.subscriber_id.in_(pool.suppressed(issue.newsletter)))
    return select(row.subscriber_id).where(*where)


@dataclass(frozen=True, slots=True)
class _Readers:
    """What of a reader's group stands in other tables than the subscription: what they had, the language they get, their wave.

    In nearly every plan these are the same for all, and their tables are not looked into.
    """

    had_table: Table | None
    tongues: Mapping[str, tuple[str, ...]]
    own: str
    waves: Waves | None = None

    @property
    def had(self) -> ColumnElement[Any]:
        return literal("") if self.had_table is None else func.coalesce(self.had_table.c.had, "")

    @property
    def language(self) -> ColumnElement[Any]:
        return language_column(self.own, self.tongues)

    @property
    def wave(self) -> ColumnElement[Any]:
        return literal(0) if self.waves is None else self.waves.column

    @property
    def tables(self) -> FromClause:
        row, joined = tables.subscription.c, cast("FromClause", tables.subscription)
        if self.had_table is not None:
            joined = joined.outerjoin(self.had_table, self.had_table.c.subscriber_id == row.subscriber_id)
        if self.tongues or self.waves is not None:
            joined = joined.join(tables.subscriber, tables.subscriber.c.id == row.subscriber_id)
        return joined


def tongues_of(connection: Connection, frozen: Frozen) -> dict[str, tuple[str, ...]]:
    """Which tags come to which of an issue's languages; not looked for where it has but one."""
    own, *others = frozen.languages
    return other_tongues(connection, own, others) if others else {}


def _compose(composer: Composer, groups: Iterator[tuple[int, Group]]) -> _Composed:
    """What each group gets, found while the store still looks for others: of a million readers nearly all are of a group that is known."""
    found = SimpleQueue[tuple[int, Group] | None]()

    def look() -> None:
        try:
            for group in groups:
                found.put(group)
        finally:
            found.put(None)

    with ThreadPoolExecutor(1, "groups") as aside:
        looking = aside.submit(look)
        composed = [(wave, group, composer.compose(group)) for wave, group in iter(found.get, None)]
        looking.result()
    # Sorted here: stores differ in the order of text, and a dry run's copy numbers renditions as the real one does.
    return sorted(composed, key=lambda one: one[:2])


def _groups(connection: Connection, issue: Issue, frozen: Frozen, readers: _Readers) -> Iterator[tuple[int, Group]]:
    """Those that are alike, each with its wave, as the store finds them."""
    row = tables.subscription.c
    keys = (readers.wave, row.topics, row.coverage, row.owed, readers.had, readers.language)
    # DISTINCT and not GROUP BY, for which SQLite sorts the whole audience, in memory.
    query = _audience(issue, frozen).with_only_columns(*keys).select_from(readers.tables).distinct()
    found = connection.execute(query, execution_options={"yield_per": _AT_ONCE})
    yield from ((wave, Group(*alike)) for wave, *alike in found)


_Composed = list[tuple[int, Group, Composed]]
_Numbers = Mapping[tuple[int, str, Arrangement], int]


def _keep_renditions(connection: Connection, issue: Issue, frozen: Frozen, composed: _Composed, waves: Waves | None) -> _Numbers:
    numbers: dict[tuple[int, str, Arrangement], int] = {}
    for wave, group, made in composed:
        if made.arrangement is not None:
            numbers.setdefault((wave, group.language, made.arrangement), len(numbers) + 1)
    renditions = (
        {
            "issue_id": issue.id,
            "number": number,
            "language": language,
            "arrangement": json_text({"lead": arrangement.lead, "sections": arrangement.sections}),
            "opens_at": None if waves is None else instant_text(waves.opens_at[wave]),
        }
        for (wave, language, arrangement), number in numbers.items()
    )
    retold = frozen.retold()
    # What tells the same as an article in it counts as held: whoever gets the one has had the other.
    held = (
        {"issue_id": issue.id, "rendition": number, "article_id": article}
        for (_, _, arrangement), number in numbers.items()
        for article in sorted(set(arrangement.articles).union(*(retold.get(one, ()) for one in arrangement.articles)))
    )
    _insert(connection, tables.rendition, renditions)
    _insert(connection, tables.rendition_article, held)
    return numbers


def _insert(connection: Connection, table: Table, rows: Iterator[dict[str, Any]]) -> None:
    """Some at a time: of a million subscribers' renditions there are a hundred thousand rows."""
    while part := list(islice(rows, _CHUNK)):
        insert_all(connection, insert(table), part)


def _keep_groups(
    connection: Connection,
    issue: Issue,
    composed: _Composed,
    numbers: _Numbers,
) -> None:
    rows = (
        {
            "issue_id": issue.id,
            "number": number,
            "wave": wave,
            "topics": group.topics,
            "coverage": group.coverage,
            "owed": group.owed,
            "had": group.had,
            "language": group.language,
            "rendition": None if made.arrangement is None else numbers[wave, group.language, made.arrangement],
            "owed_after": made.owed_after,
            "owed_if_unsent": made.owed_if_unsent,
        }
        for number, (wave, group, made) in enumerate(composed, start=1)
    )
    _insert(connection, tables.audience_group, rows)


def _insert_deliveries(connection: Connection, issue: Issue, frozen: Frozen, readers: _Readers) -> int:
    row, group = tables.subscription.c, tables.audience_group.c
    alike = (group.issue_id == issue.id) & (group.topics == row.topics) & (group.coverage == row.coverage)
    alike &= (group.owed == row.owed) & (group.had == readers.had)
    if readers.tongues:
        alike &= group.language == readers.language
    if readers.waves is not None:
        alike &= group.wave == readers.wave
    state = case(
        (row.subscriber_id.in_(pool.suppressed(issue.newsletter)), DeliveryState.SUPPRESSED.value),
        (group.rendition.is_(None), DeliveryState.SKIPPED.value),
        else_=DeliveryState.PLANNED.value,
    )
    rows = (
        _audience(issue, frozen)
        .with_only_columns(literal(issue.id), row.subscriber_id, group.number, group.rendition, state)
        .select_from(readers.tables.join(tables.audience_group, alike))
        .order_by(group.rendition, row.id)
    )
    columns = ["issue_id", "subscriber_id", "group_number", "rendition", "state"]
    connection.execute(insert(tables.delivery).from_select(columns, rows))
    planned = select(func.count()).where(tables.delivery.c.issue_id == issue.id)
    return connection.execute(planned).scalar_one()
