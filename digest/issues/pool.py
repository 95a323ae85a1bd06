"""The pool: what an issue of one newsletter and frequency may draw from, read from the store."""

from __future__ import annotations

from sqlalchemy import Connection, select

from digest.catalogue.article import Article
from digest.catalogue.articles import articles_by_ids, list_articles, window
from digest.catalogue.storing import highest_arrival
from digest.issues.owed import parse_owed
from digest.store import tables


def coverage_point(connection: Connection, newsletter: str, frequency: str) -> int:
    """The coverage point of a frequency: 0 before its first issue has settled."""
    point = tables.coverage.c
    where = (point.newsletter == newsletter, point.frequency == frequency)
    return connection.execute(select(point.point).where(*where)).scalar() or 0


def floor(connection: Connection, newsletter: str, frequency: str, carry_over: int) -> int:
    """The cutoff of the settled issue `carry_over` issues back: what arrived after it is held, for those who lag behind."""
    issue = tables.issue.c
    cutoffs = (
        select(issue.cutoff)
        .where(issue.newsletter == newsletter, issue.frequency == frequency, issue.settled_at.is_not(None))
        .order_by(issue.number.desc())
        .offset(carry_over)
        .limit(1)
    )
    return connection.execute(cutoffs).scalar() or 0


def owed(connection: Connection, newsletter: str, frequency: str) -> dict[int, int]:
    """Every article that some active subscription is owed, with the latest issue that owed it first."""
    row = tables.subscription.c
    where = (row.newsletter == newsletter, row.frequency == frequency, row.state == "active", row.owed != "")
    since: dict[int, int] = {}
    for (text,) in connection.execute(select(row.owed).where(*where).distinct()):
        for article, number in parse_owed(text).items():
            since[article] = max(number, since.get(article, 0))
    return since


def articles(connection: Connection, newsletter: str, frequency: str, above: int) -> list[Article]:
    """What arrived after `above`, what waits for its time, and what is owed; by id."""
    held = {article.id: article for article in list_articles(connection, waiting=True)}
    held |= {article.id: article for article in window(connection, above, highest_arrival(connection))}
    missing = [article for article in owed(connection, newsletter, frequency) if article not in held]
    held |= articles_by_ids(connection, missing)
    return [held[article] for article in sorted(held)]
