"""What subscribers have had, from the ledger: the last word on "never the same article twice".

An article at or below a subscription's coverage point never comes again by itself. This looks after the rest: articles
that arrived later or are owed, and yet stand in a rendition that was, or may still be, sent to that subscriber: by an
issue that has not settled, by another frequency, or by another newsletter. What somebody had already from elsewhere
stands beside it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    case,
    cast,
    exists,
    func,
    insert,
    literal,
    select,
    tuple_,
    union,
)

from digest.audience.had_already import EVERYBODY
from digest.audience.readership import of_frequency
from digest.delivery.owing import counts_as_sent
from digest.delivery.transitions import COUNTS_AS_SENT, DeliveryState
from digest.issues.frozen import Frozen
from digest.issues.issue import Issue
from digest.issues.owed import parse_owed
from digest.store import tables

ALREADY = "="
PENDING, ELSEWHERE = "?", "!"
"""Behind a rendition that may yet be given back: to this newsletter's subscription, or to another newsletter's."""

_had = Table(
    "plan_had",
    MetaData(),
    Column("subscriber_id", Integer, primary_key=True),
    Column("had", String),
    prefixes=["TEMPORARY"],
)


@dataclass(frozen=True, slots=True)
class Had:
    """Renditions (issue id, number) with their articles, and where each subscriber's are listed; None: nobody had any."""

    articles: Mapping[tuple[int, int], frozenset[int]]
    table: Table | None


def parse(text: str, marks: tuple[str, ...] = ("",)) -> Iterator[tuple[int, int]]:
    """`"3:17 4:2? 5:1!"` as pairs of issue id and rendition number; with `marks`, those alone that end in one of them."""
    for pair in text.split():
        if pair.startswith(ALREADY) or not pair.endswith(marks):
            continue
        issue_id, number = pair.rstrip(PENDING + ELSEWHERE).split(":")
        yield int(issue_id), int(number)


def words(renditions: Iterable[tuple[int, int]], already: Iterable[int]) -> str:
    """What `parse` and `parse_already` read."""
    return " ".join([*(f"{ALREADY}{one}" for one in sorted(already)), *(f"{i}:{r}" for i, r in sorted(renditions))])


def parse_already(text: str) -> frozenset[int]:
    """`"=17 3:17"`: the articles that were had already from elsewhere, each behind a `=`."""
    return frozenset(int(word.removeprefix(ALREADY)) for word in text.split() if word.startswith(ALREADY))


def find(connection: Connection, issue: Issue, frozen: Frozen) -> Had:
    """Who of the audience was sent something that this issue could hold for them."""
    lowest, owed = _reach(connection, issue)
    fresh = {candidate.id for candidate in frozen.candidates if (candidate.arrival or 0) > lowest} | set(frozen.rules.pinned)
    retold = frozen.retold()
    fresh, owed = (some.union(*(retold[one] for one in some if one in retold)) for some in (fresh, owed))
    new, due = _renditions(connection, fresh), _renditions(connection, owed)
    if not new and not due and not _any_already(connection):
        return Had({}, None)
    _had.create(connection)
    sent = (_sent(issue, fresh, new), _sent(issue, owed, due).where(tables.subscription.c.owed != ""))
    pairs = union(*sent, _already(issue, fresh | owed)).subquery()
    ordered = select(pairs).order_by(pairs.c.subscriber_id, pairs.c.pair).subquery()
    lists = select(ordered.c.subscriber_id, func.aggregate_strings(ordered.c.pair, " ")).group_by(ordered.c.subscriber_id)
    connection.execute(insert(_had).from_select(["subscriber_id", "had"], lists))
    return Had(_joined(new, due), _had)


def of_one(connection: Connection, issue: Issue, subscriber_id: int) -> set[tuple[int, int]]:
    """The renditions of other issues that one subscriber was, or may yet be, sent."""
    sent = tables.delivery.c
    # Every other issue, by its name: the key of deliveries begins with it, and else all of them are read for one person.
    others = select(tables.issue.c.id).where(tables.issue.c.id != issue.id)
    where = (sent.subscriber_id == subscriber_id, sent.issue_id.in_(others), sent.rendition.is_not(None))
    query = select(sent.issue_id, sent.rendition).where(*where, counts_as_sent(states=COUNTS_AS_SENT))
    return {(found.issue_id, found.rendition) for found in connection.execute(query)}


def articles_of(connection: Connection, renditions: Iterable[tuple[int, int]]) -> dict[tuple[int, int], frozenset[int]]:
    """What stands in some renditions."""
    held = tables.rendition_article.c
    found = {}
    for issue_id, number in renditions:
        query = select(held.article_id).where(held.issue_id == issue_id, held.rendition == number)
        found[issue_id, number] = frozenset(connection.execute(query).scalars())
    return found


def forget(connection: Connection, found: Had) -> None:
    """Drop the temporary list."""
    if found.table is not None:
        found.table.drop(connection)


def _reach(connection: Connection, issue: Issue) -> tuple[int, set[int]]:
    """The lowest coverage point in the audience, and every article that somebody in it is owed."""
    row = tables.subscription.c
    where = (row.newsletter == issue.newsletter, of_frequency(issue.frequency), row.state == "active")
    # In one look: it reads everybody, and of how they stand there are few.
    found = connection.execute(select(row.coverage, row.owed).where(*where).distinct()).all()
    owed = {article for _, text in found for article in parse_owed(text)}
    return min((coverage for coverage, _ in found), default=0), owed


def _renditions(connection: Connection, articles: set[int]) -> dict[tuple[int, int], frozenset[int]]:
    """The renditions of all issues that hold one of `articles`, each with those it holds."""
    held = tables.rendition_article.c
    found: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
    query = select(held.issue_id, held.rendition, held.article_id).where(held.article_id.in_(sorted(articles)))
    for issue_id, number, article in connection.execute(query):
        found[issue_id, number].add(article)
    return {key: frozenset(articles) for key, articles in found.items()}


def _any_already(connection: Connection) -> bool:
    known = exists().where(tables.had_already.c.subscriber_id != EVERYBODY)
    return bool(connection.execute(select(known)).scalar_one())


def _already(issue: Issue, articles: set[int]) -> Select[tuple[int, str]]:
    """The audience's articles that they had already from elsewhere, each as a word."""
    row, already = tables.subscription.c, tables.had_already.c
    word = literal(ALREADY) + cast(already.article_id, String)
    return (
        select(already.subscriber_id, word.label("pair"))
        .join(tables.subscription, row.subscriber_id == already.subscriber_id)
        .where(row.newsletter == issue.newsletter, of_frequency(issue.frequency), row.state == "active")
        .where(already.article_id.in_(sorted(articles)))
    )


def _joined(
    new: Mapping[tuple[int, int], frozenset[int]], due: Mapping[tuple[int, int], frozenset[int]]
) -> dict[tuple[int, int], frozenset[int]]:
    return {key: new.get(key, frozenset()) | due.get(key, frozenset()) for key in new.keys() | due.keys()}


def _sent(issue: Issue, articles: set[int], renditions: Mapping[tuple[int, int], frozenset[int]]) -> Select[tuple[int, str]]:
    """The audience's deliveries, of whatever issue, that count as sent and hold one of `articles`."""
    row, sent, held = tables.subscription.c, tables.delivery.c, tables.rendition_article.c
    holding = select(held.issue_id, held.rendition).where(held.article_id.in_(sorted(articles)))
    ours = select(tables.issue.c.id).where(tables.issue.c.newsletter == issue.newsletter)
    given_back = case((sent.issue_id.in_(ours), PENDING), else_=ELSEWHERE)
    pending = case((sent.state == DeliveryState.ACCEPTED.value, ""), else_=given_back)
    pair = cast(sent.issue_id, String) + ":" + cast(sent.rendition, String) + pending
    return (
        select(sent.subscriber_id, pair.label("pair"))
        .join(tables.subscription, row.subscriber_id == sent.subscriber_id)
        .where(row.newsletter == issue.newsletter, of_frequency(issue.frequency), row.state == "active")
        .where(sent.issue_id.in_(sorted({issue_id for issue_id, _ in renditions})), counts_as_sent(states=COUNTS_AS_SENT))
        .where(tuple_(sent.issue_id + 0, sent.rendition).in_(holding))
    )
