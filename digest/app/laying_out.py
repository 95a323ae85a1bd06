"""Laying out an issue for its editor: every candidate with its reason, the chosen ones by topic, what was changed, what the checks say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from digest.app.checking import findings_at_once, last_issue
from digest.app.issue_history import HistoryLine, history_of, mark_of
from digest.app.overseeing import in_words
from digest.app.revising import standing_of
from digest.app.wiring import App
from digest.catalogue.article import Article
from digest.catalogue.articles import articles_by_ids
from digest.checks.finding import Finding, Severity
from digest.delivery.plan import count_audience
from digest.errors import Refused
from digest.issues import revisions
from digest.issues.editing import Edits, edits_of
from digest.issues.frozen import Frozen
from digest.issues.issue import Issue, find_issue, frozen_of
from digest.issues.lifecycle import STEPS, IssueState
from digest.issues.revisions import Revision
from digest.rendering.cleaning import web_address
from digest.rendering.content import RewritingContent
from digest.store import tables

REASONS = {
    "pinned": "pinned",
    "carried_over": "waited for this issue",
    "featured": "featured",
    "new": "new",
    "over_the_limit": "no room: the limit is reached",
    "over_the_author_limit": "no room: enough of this author",
    "expired": "waited too long, and expired",
    "too_old": "too old",
    "other_language": "in another language",
    "not_yet_published": "its time has not come",
    "excluded": "left out by an editor",
    "withdrawn": "withdrawn",
    "already_covered": "an issue before this one dealt with it",
    "already_sent": "sent already",
    "had_already": "readers had it from elsewhere",
    "same_story": "tells what another one tells",
    "no_topic": "carries no tag of a topic",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One candidate: what readers see of it, what its source says, why it stands where it stands, and what may be done to it."""

    id: int
    title: str
    original: Article
    why: str
    topic: str | None
    chosen: bool
    pinned: bool
    excluded: bool
    leads: bool
    place: int
    last: bool
    rewritten: RewritingContent | None
    may_be_pinned: bool
    taken_in: bool
    source_image: str | None


@dataclass(frozen=True, slots=True)
class Section:
    """The chosen ones of a topic, in their order."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """All of it. `readers` counts the subscriptions that the plan would look at just now, `mark` says how far the history goes, `last` is
    the issue that went out before, and `topics` those that something may be put under, with their headings."""

    issue: Issue
    title: str
    when: str
    readers: int
    sections: tuple[Section, ...]
    others: tuple[Row, ...]
    edits: Edits
    frozen: Frozen
    changes: tuple[Revision, ...]
    history: tuple[HistoryLine, ...]
    findings: tuple[Finding, ...]
    editable: bool
    mark: int
    last: str | None
    topics: Mapping[str, str]

    @property
    def chosen(self) -> int:
        """How many articles are in."""
        return sum(len(section.rows) for section in self.sections)

    @property
    def errors(self) -> int:
        """How many findings stand in the way of an approval."""
        return sum(one.severity is Severity.ERROR for one in self.findings)


def lay_out(app: App, name: str, count: Callable[[Connection, Issue], int] = count_audience) -> Layout:
    """An issue as it stands now; reads only. `count` says how many the plan would look at: of a million that takes a second."""
    with app.store.reading() as connection:
        issue = find_issue(connection, name)
        frozen = frozen_of(connection, issue)
        rows = _rows(connection, issue, frozen)
        readers = issue.audience if issue.audience is not None else count(connection, issue)
        changes, history = revisions.since(connection, issue.id, 0), history_of(connection, issue, ZoneInfo(frozen.timezone))
        mark, last = mark_of(connection, issue), last_issue(connection, issue)
    titles = {section.slug: section.title for section in frozen.content.sections}
    sections = (Section(titles.get(topic, topic), held) for topic in frozen.rules.topics if (held := _under(rows, topic)))
    return Layout(
        issue,
        frozen.content.title,
        in_words(issue.slot_at, app.now, ZoneInfo(frozen.timezone)),
        readers,
        tuple(sections),
        tuple(row for row in rows if not row.chosen),
        edits_of(frozen.rules, frozen.content),
        frozen,
        tuple(one for one in changes if one.did),
        history,
        _findings(app, issue),
        IssueState.DRAFT in STEPS[issue.state],
        mark,
        None if last is None else last.name,
        {slug: titles.get(slug, slug) for slug in frozen.rules.topics},
    )


def _findings(app: App, issue: Issue) -> tuple[Finding, ...]:
    try:
        return tuple(findings_at_once(app, issue))
    except Refused as nothing_left:
        return (Finding(Severity.ERROR, "the issue", str(nothing_left)),)


def _under(rows: Sequence[Row], topic: str) -> tuple[Row, ...]:
    return tuple(row for row in rows if row.chosen and row.topic == topic)


def _rows(connection: Connection, issue: Issue, frozen: Frozen) -> list[Row]:
    kept, standing = tables.decision.c, standing_of(connection, issue)
    columns = (kept.article_id, kept.chosen, kept.reason, kept.topic)
    decided = connection.execute(select(*columns).where(kept.issue_id == issue.id).order_by(kept.position)).all()
    articles = articles_by_ids(connection, [one.article_id for one in decided])
    shown: Mapping[int, str] = {one.id: one.title for one in frozen.content.articles}
    rewritten = {one.article: one for one in frozen.content.rewritten}
    by_hand = {one for one, _ in frozen.rules.taken_in}
    rows = []
    for one in decided:
        article, section = articles[one.article_id], standing.sections.get(one.article_id, ())
        place = section.index(article.id) if section else 0
        rows.append(
            Row(
                article.id,
                shown.get(article.id, article.title),
                article,
                REASONS[one.reason],
                one.topic,
                one.chosen,
                article.id in frozen.rules.pinned,
                article.id in frozen.rules.excluded,
                article.id == standing.lead,
                place,
                place == len(section) - 1,
                rewritten.get(article.id),
                article.withdrawn_at is None
                and article.arrival is not None
                and article.arrival <= issue.cutoff
                and bool(one.topic),
                article.id in by_hand,
                web_address(article.image),
            )
        )
    return rows
