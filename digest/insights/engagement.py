"""Engagement: what providers reported of an issue, of each rendition, topic and article; unique readers and in all, robots apart.

Where a provider tells nothing, nothing is said: a count is None where it is not known, and 0 where it is known that there was none.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, groupby
from typing import Any

from sqlalchemy import Connection, String, exists, func, select, type_coerce

from digest.delivery.event import MAIL, Kind
from digest.delivery.transitions import DeliveryState
from digest.insights.robots import Act, robots
from digest.issues.issue import Issue, frozen_of
from digest.store import tables

TOLD = (Kind.DELIVERED, Kind.BOUNCED, Kind.OPENED, Kind.CLICKED, Kind.COMPLAINED, Kind.UNSUBSCRIBED)
"""What is counted, in this order."""

ACTS = (Kind.OPENED, Kind.CLICKED)
"""What robots do, too."""

_row, _event, _kept = tables.delivery.c, tables.event.c, tables.rendition.c
_Rendition = int | None


@dataclass(slots=True)
class _Tally:
    """Of one kind: how many readers, how many events, and how many of each were a robot's alone."""

    unique: int = 0
    total: int = 0
    robots_unique: int = 0
    robots_total: int = 0

    def add(self, other: _Tally) -> None:
        for name in _Tally.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def take(self, of_robots: list[bool]) -> None:
        """Count one reader's acts, each a robot's or not."""
        people = of_robots.count(False)
        self.unique += people > 0
        self.total += people
        self.robots_unique += bool(of_robots) and not people
        self.robots_total += len(of_robots) - people


_Tallies = defaultdict[Kind, _Tally]


def _tallies() -> _Tallies:
    return defaultdict(_Tally)


@dataclass(slots=True)
class _Counted:
    """By rendition, what was told; and by article in a rendition, the clicks on it. Article None: links that lead to no article."""

    renditions: defaultdict[_Rendition, _Tallies] = field(default_factory=lambda: defaultdict(_tallies))
    clicks: defaultdict[tuple[_Rendition, int | None], _Tally] = field(default_factory=lambda: defaultdict(_Tally))

    @property
    def kinds(self) -> set[Kind]:
        """What was told at all."""
        return {kind for tallies in self.renditions.values() for kind in tallies}

    def sum(self, renditions: Iterable[_Rendition]) -> _Tallies:
        """What was told of the readers of some renditions."""
        found = _tallies()
        for rendition in renditions:
            for kind, tally in self.renditions.get(rendition, {}).items():
                found[kind].add(tally)
        return found

    def by_article(self) -> dict[int | None, _Tally]:
        """Clicks by article, in whichever rendition."""
        found: defaultdict[int | None, _Tally] = defaultdict(_Tally)
        for (_, article), tally in self.clicks.items():
            found[article].add(tally)
        return found


def engagement(connection: Connection, issue: Issue) -> dict[str, Any]:
    """`whole`, `renditions`, `topics`, `articles` and `other_links`; each count is `unique`, `total` and, of opens and clicks, `robots`."""
    counted = _count(connection, issue.id)
    known = _known(connection, issue.id, counted.kinds)
    arranged = {row.number: row for row in connection.execute(select(tables.rendition).where(_kept.issue_id == issue.id))}
    mails = _mails(connection, issue.id)
    clicked = Kind.CLICKED in known
    return {
        "heard": bool(known),
        "whole": _told(counted.sum(counted.renditions), known),
        "renditions": [
            {"rendition": number, "language": row.language, "mails": mails[number]} | _told(counted.sum([number]), known)
            for number, row in sorted(arranged.items())
        ],
        "topics": list(_topics(connection, issue, arranged, mails, counted, known)),
        "articles": list(_articles(connection, issue, arranged, mails, counted)) if clicked else [],
        "other_links": _one(Kind.CLICKED, counted.by_article().get(None, _Tally())) if clicked else None,
    }


def whole(connection: Connection, issue: Issue) -> dict[str, Any]:
    """Of all readers together, each kind as in `engagement`."""
    counted = _count(connection, issue.id)
    return _told(counted.sum(counted.renditions), _known(connection, issue.id, counted.kinds))


def _told(tallies: _Tallies, known: set[Kind]) -> dict[str, Any]:
    return {kind.value: _one(kind, tallies[kind]) if kind in known else None for kind in TOLD}


def _known(connection: Connection, issue_id: int, told: set[Kind]) -> set[Kind]:
    """What is known, be it zero: what was told; and once a service told anything, all but opens and clicks. What comes by mail
    tells of itself alone: where a bounce came back, nobody knows how many mails were delivered."""
    services = exists().where(
        _event.issue_id == issue_id, _event.kind.in_([kind.value for kind in TOLD]), _event.provider != MAIL
    )
    by_service = bool(connection.execute(select(services)).scalar_one())
    return told | ({kind for kind in TOLD if kind not in ACTS} if by_service else set())


def _one(kind: Kind, tally: _Tally) -> dict[str, Any]:
    told: dict[str, Any] = {"unique": tally.unique, "total": tally.total}
    if kind in ACTS:
        told["robots"] = {"unique": tally.robots_unique, "total": tally.robots_total}
    return told


def _mails(connection: Connection, issue_id: int) -> Counter[_Rendition]:
    """How many of each rendition the provider took."""
    ours = (_row.issue_id == issue_id, _row.state == DeliveryState.ACCEPTED.value)
    return Counter(
        {row[0]: row[1] for row in connection.execute(select(_row.rendition, func.count()).where(*ours).group_by(_row.rendition))}
    )


def _topics(
    connection: Connection,
    issue: Issue,
    arranged: Mapping[int, Any],
    mails: Counter[_Rendition],
    counted: _Counted,
    known: set[Kind],
) -> Iterator[dict[str, Any]]:
    """Each topic: of the readers who had something of it, and of clicks those on its articles."""
    chosen = tables.decision.c
    query = select(chosen.article_id, chosen.topic).where(chosen.issue_id == issue.id, chosen.topic.is_not(None))
    usual = {row.article_id: row.topic for row in connection.execute(query)}
    renditions, articles = defaultdict[str, set[_Rendition]](set), defaultdict[str, dict[tuple[int, int], None]](dict)
    for number, row in arranged.items():
        lead = row.arrangement["lead"]
        held = [(topic, each) for topic, some in row.arrangement["sections"] for each in some]
        for topic, article in ([(usual.get(lead, ""), lead)] if lead is not None else []) + held:
            if topic:
                renditions[topic].add(number)
                articles[topic][number, article] = None
    for topic in (one for one in frozen_of(connection, issue).rules.topics if one in renditions):
        told = _told(counted.sum(renditions[topic]), known)
        if Kind.CLICKED in known:
            clicks = _Tally()
            for place in articles[topic]:
                if place in counted.clicks:
                    clicks.add(counted.clicks[place])
            told[Kind.CLICKED.value] = _one(Kind.CLICKED, clicks)
        yield {"topic": topic, "mails": sum(mails[number] for number in renditions[topic])} | told


def _articles(
    connection: Connection, issue: Issue, arranged: Mapping[int, Any], mails: Counter[_Rendition], counted: _Counted
) -> Iterator[dict[str, Any]]:
    """Each article that went out, the most clicked first."""
    held = Counter[int]()
    for number, row in arranged.items():
        lead = row.arrangement["lead"]
        for article in ([lead] if lead is not None else []) + [one for _, some in row.arrangement["sections"] for one in some]:
            held[article] += mails[number]
    titles = {article.id: article.title for article in frozen_of(connection, issue).content.articles}
    by_article = counted.by_article()
    clicks = {article: by_article.get(article, _Tally()) for article in held}
    for article in sorted(held, key=lambda one: (-clicks[one].unique, one)):
        clicked = _one(Kind.CLICKED, clicks[article])
        yield {"article": article, "title": titles.get(article, ""), "mails": held[article], Kind.CLICKED.value: clicked}


def _count(connection: Connection, issue_id: int) -> _Counted:
    counted = _Counted()
    told = (_event.issue_id == issue_id, _event.kind.in_([kind.value for kind in TOLD if kind not in ACTS]))
    readers, every = func.count(_event.subscriber_id.distinct()), func.count()
    query = select(_row.rendition, _event.kind, readers, every).select_from(_joined()).where(*told)
    for rendition, kind, unique, total in connection.execute(query.group_by(_row.rendition, _event.kind)):
        counted.renditions[rendition][Kind(kind)].add(_Tally(unique, total))
    for rendition, acts, delivered_at in _acts(connection, issue_id):
        _count_acts(counted, rendition, acts, delivered_at)
    return counted


def _count_acts(counted: _Counted, rendition: _Rendition, acts: list[Act], delivered_at: int | None) -> None:
    by_kind, by_article = defaultdict[Kind, list[bool]](list), defaultdict[int | None, list[bool]](list)
    for act, robot in zip(acts, robots(acts, delivered_at), strict=True):
        by_kind[act.kind].append(robot)
        if act.kind is Kind.CLICKED:
            by_article[act.article].append(robot)
    for kind, of_robots in by_kind.items():
        counted.renditions[rendition][kind].take(of_robots)
    for article, of_robots in by_article.items():
        counted.clicks[rendition, article].take(of_robots)


def _acts(connection: Connection, issue_id: int) -> Iterator[tuple[_Rendition, list[Act], int | None]]:
    """Reader by reader, what each opened and clicked, and when the mail was delivered; never all readers at once."""
    text = type_coerce(_event.occurred_at, String)
    other = tables.event.alias()
    first = (
        select(func.min(type_coerce(other.c.occurred_at, String)))
        .where(other.c.issue_id == issue_id, other.c.subscriber_id == _event.subscriber_id, other.c.kind == Kind.DELIVERED.value)
        .scalar_subquery()
    )
    columns = (_event.subscriber_id, _row.rendition, _event.kind, text, _event.link, _event.article_id, _event.machine, first)
    ours = (_event.issue_id == issue_id, _event.kind.in_([kind.value for kind in ACTS]))
    query = select(*columns).select_from(_joined()).where(*ours).order_by(_event.subscriber_id)
    rows = chain.from_iterable(connection.execute(query.execution_options(yield_per=5000)).partitions())
    for _, theirs in groupby(rows, key=lambda row: row[0]):
        found = list(theirs)
        acts = [Act(Kind(kind), _seconds(at), link, article, machine) for _, _, kind, at, link, article, machine, _ in found]
        yield found[0][1], acts, None if found[0][7] is None else _seconds(found[0][7])


def _joined() -> Any:
    """Events with their deliveries; those of no delivery, too."""
    theirs = (_row.issue_id == _event.issue_id) & (_row.subscriber_id == _event.subscriber_id)
    return tables.event.outerjoin(tables.delivery, theirs)


def _seconds(instant: str) -> int:
    return int(datetime.fromisoformat(instant).timestamp())
