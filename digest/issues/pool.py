"""The pool: what an issue of one newsletter and frequency may draw from, read from the store."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Select, func, select

from digest.audience.coverage import coverage_points
from digest.audience.readership import is_frequency, of_frequency
from digest.catalogue.article import Article
from digest.catalogue.articles import articles_by_ids, list_articles, window
from digest.issues.owed import parse_owed
from digest.store import tables


@dataclass(frozen=True, slots=True)
class Floor:
    """The arrival number after which a pool holds every article.

    `bounded`: somebody lags further behind than `carry_over` issues, and what they missed beyond it has expired. Where it
    is not, nobody who was subscribed at the freeze lags behind the floor.
    """

    number: int
    bounded: bool


def coverage_point(connection: Connection, newsletter: str, frequency: str) -> int:
    """The coverage point of a frequency: 0 before the newsletter's first issue has settled. Of an issue outside the slots the lowest
    of those that its readers have."""
    if is_frequency(frequency):
        return coverage_points(connection, newsletter, [frequency])[frequency]
    row = tables.subscription.c
    had = connection.execute(
        select(row.frequency).where(row.newsletter == newsletter, row.state == "active").distinct()
    ).scalars()
    return min(coverage_points(connection, newsletter, had).values(), default=0)


def lowest_coverage(connection: Connection, newsletter: str, frequency: str) -> int:
    """How far back the active subscription of a frequency lies that lags furthest behind."""
    row = tables.subscription.c
    where = (row.newsletter == newsletter, of_frequency(frequency), row.state == "active", _mailed(newsletter))
    lowest = connection.execute(select(func.min(row.coverage)).where(*where)).scalar()
    return coverage_point(connection, newsletter, frequency) if lowest is None else lowest


def floor(connection: Connection, newsletter: str, frequency: str, carry_over: int) -> Floor:
    """As far back as anybody subscribed lags behind, whatever their frequency (they may change it), but at most `carry_over`
    settled issues of each frequency."""
    row = tables.subscription.c
    active = (row.newsletter == newsletter, row.state == "active", _mailed(newsletter))
    lowest = connection.execute(select(func.min(row.coverage)).where(*active)).scalar()
    point = coverage_point(connection, newsletter, frequency)
    wanted = point if lowest is None else min(point, lowest)
    frequencies = set(connection.execute(select(row.frequency).where(*active).distinct()).scalars())
    frequencies |= {frequency} if is_frequency(frequency) else set()
    furthest = min((_cutoff_back(connection, newsletter, one, carry_over) for one in frequencies), default=0)
    return Floor(max(wanted, furthest), bounded=wanted < furthest)


def _cutoff_back(connection: Connection, newsletter: str, frequency: str, issues: int) -> int:
    """The cutoff of the settled issue so many issues back; 0 when there are not so many."""
    issue = tables.issue.c
    cutoffs = (
        select(issue.cutoff)
        .where(issue.newsletter == newsletter, issue.frequency == frequency, issue.settled_at.is_not(None))
        .order_by(issue.number.desc())
        .offset(issues)
        .limit(1)
    )
    return connection.execute(cutoffs).scalar() or 0


def owed(connection: Connection, newsletter: str, frequency: str) -> dict[int, int]:
    """Every article that some active subscription is owed, with the least age it has for anybody."""
    row = tables.subscription.c
    where = (row.newsletter == newsletter, of_frequency(frequency), row.state == "active", row.owed != "", _mailed(newsletter))
    ages: dict[int, int] = {}
    for (text,) in connection.execute(select(row.owed).where(*where).distinct()):
        for article, age in parse_owed(text).items():
            ages[article] = min(age, ages.get(article, age))
    return ages


def articles(connection: Connection, above: int, up_to: int, besides: Iterable[int] = ()) -> list[Article]:
    """What arrived in `(above, up_to]`, what waits for its time, and those besides: what is owed, and what an editor fixed; by id."""
    held = {article.id: article for article in list_articles(connection, waiting=True)}
    held |= {article.id: article for article in window(connection, above, up_to)}
    missing = [article for article in besides if article not in held]
    held |= {number: one for number, one in articles_by_ids(connection, missing).items() if (one.arrival or 0) <= up_to}
    return [held[article] for article in sorted(held)]


def suppressed(newsletter: str) -> Select[tuple[int]]:
    """The subscribers whose address must not be mailed for this newsletter."""
    joined = tables.suppression.join(tables.subscriber, tables.subscriber.c.address == tables.suppression.c.address)
    return select(tables.subscriber.c.id).select_from(joined).where(tables.suppression.c.scope.in_(("*", newsletter)))


def _mailed(newsletter: str) -> ColumnElement[bool]:
    """Who is suppressed never moves on, and must not make every pool as deep as it goes."""
    return tables.subscription.c.subscriber_id.not_in(suppressed(newsletter))
