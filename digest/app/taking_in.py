"""Taking in by hand: the catalogue is searched for what is no candidate of an issue, and may be put under a topic of it.

Nobody's coverage point moves for such an article. Who gets it has had it, by the ledger; who had it before does not get it again; who had no
room for it is owed it, like anything that is pinned.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from digest.app.wiring import App
from digest.catalogue.article import Article
from digest.catalogue.articles import search_articles
from digest.issues.issue import Issue, find_issue
from digest.issues.lifecycle import IssueState
from digest.issues.topics import Sorter
from digest.store import tables

MOST = 12
_WENT_OUT = (IssueState.SENDING.value, IssueState.PAUSED.value, IssueState.SENT.value)


@dataclass(frozen=True, slots=True)
class Found:
    """An article of the catalogue: the topic that its tags say, if any; why it cannot be taken in, or nothing; and the issues of
    the newsletter that held it before."""

    article: Article
    topic: str
    refused: str
    went_out_with: tuple[str, ...]


def find_articles(app: App, name: str, words: str) -> list[Found]:
    """The newest articles whose title or address has all these words in it."""
    with app.store.reading() as connection:
        issue = find_issue(connection, name)
        articles = search_articles(connection, words, MOST)
        inside, before = _chosen(connection, issue, articles), _before(connection, issue, articles)
    sorter = Sorter(app.newsletter(issue.newsletter))
    return [
        Found(one, next(iter(sorter.topics_of(one.tags)), ""), _refused(one, issue, inside), tuple(before.get(one.id, ())))
        for one in articles
    ]


def _refused(article: Article, issue: Issue, inside: frozenset[int]) -> str:
    if article.id in inside:
        return "it is in"
    if article.withdrawn_at is not None:
        return "it was withdrawn"
    if article.arrival is None:
        return "its time has not come"
    if article.arrival > issue.cutoff:
        return "it arrived after the freeze, and comes with the next issue"
    return ""


def _chosen(connection: Connection, issue: Issue, articles: list[Article]) -> frozenset[int]:
    row = tables.decision.c
    mine = (row.issue_id == issue.id, row.chosen, row.article_id.in_([one.id for one in articles]))
    return frozenset(connection.execute(select(row.article_id).where(*mine)).scalars())


def _before(connection: Connection, issue: Issue, articles: list[Article]) -> dict[int, list[str]]:
    row, other = tables.decision.c, tables.issue.c
    query = (
        select(row.article_id, other.number)
        .join(tables.issue, other.id == row.issue_id)
        .where(row.article_id.in_([one.id for one in articles]), row.chosen, other.newsletter == issue.newsletter)
        .where(other.id != issue.id, other.state.in_(_WENT_OUT))
        .order_by(other.number)
    )
    found: dict[int, list[str]] = {}
    for article, number in connection.execute(query):
        found.setdefault(article, []).append(f"{issue.newsletter}/{number}")
    return found
