"""Revising: what an editor changes at the desk, each as a revision of its own that can be taken back.

Whoever changes names the revision that they have seen. Where there is another by now nothing is done, and they are told what was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection, select

from digest.app.editing import may_be_pinned, refrozen
from digest.app.wiring import App
from digest.catalogue.articles import find_article
from digest.delivery.shelf import widest_arrangement
from digest.editors import audit
from digest.errors import Refused, UsageError
from digest.issues import revisions
from digest.issues.changing import Change, Standing, What, changed, said
from digest.issues.editing import Edits, edits_of
from digest.issues.issue import Issue, find_issue, frozen_of
from digest.issues.lifecycle import STEPS, WHY_NOT, IssueState, record
from digest.issues.revisions import Revision
from digest.issues.selection import HAD, Reason
from digest.rendering.cleaning import web_address
from digest.store import tables

LONGEST = {
    "title": 300,
    "summary": 2000,
    "note": 4000,
    "subject": 300,
    "second": 300,
    "third": 300,
    "preheader": 300,
    "url": 2000,
    "text": 1000,
    "image": 2000,
    "image_alt": 300,
    "topic": 100,
}
"""The most characters that are taken."""


class Overtaken(Refused):
    """Somebody else has changed the issue since it was looked at; `changes` are what they did."""

    def __init__(self, issue: Issue, changes: Sequence[Revision]) -> None:
        super().__init__(f"issue {issue.name} was changed meanwhile; look at it again")
        self.issue, self.changes = issue, tuple(changes)


def revise(app: App, name: str, change: Change, *, revision: int, actor: str, network: str | None = None) -> Issue:
    """Make the next revision of an issue with a change; one that changes nothing makes none. Voids an approval.

    `Overtaken` where the issue is at another revision; `Refused` or `UsageError`, with nothing changed, where it cannot be done.
    """
    _check(change)
    with app.store.writing() as connection:
        issue = find_issue(connection, name)
        if issue.revision != revision:
            raise Overtaken(issue, revisions.since(connection, issue.id, revision))
        if IssueState.DRAFT not in STEPS[issue.state]:
            raise Refused(f"issue {issue.name} cannot be edited: {WHY_NOT[issue.state]}")
        frozen = frozen_of(connection, issue)
        before = edits_of(frozen.rules, frozen.content)
        if change.what is What.RESTORE:
            change = replace(change, edits=_former(connection, issue, change.revision))
        title = _about(app, connection, issue, change)
        after = changed(before, change, standing_of(connection, issue))
        if after == before:
            return issue
        revisions.keep(connection, issue.id, Revision(issue.revision, "", actor, app.now), before)
        edited = refrozen(app, connection, issue, after, actor)
        _look(connection, edited, change, title)
        did = said(change, title)
        revisions.keep(connection, issue.id, Revision(edited.revision, did, actor, app.now), after)
        record(connection, issue.id, edited.state, edited.state, actor=actor, now=app.now, reason=did)
        audit.write_down(connection, audit.Line(app.now, actor, "changed an issue", f"{issue.name}: {did}", network))
        return edited


def standing_of(connection: Connection, issue: Issue) -> Standing:
    """Where the articles stand for who follows every topic."""
    row = tables.decision.c
    sections: defaultdict[str, list[int]] = defaultdict(list)
    for found in connection.execute(
        select(row.article_id, row.topic).where(row.issue_id == issue.id, row.chosen).order_by(row.position)
    ):
        sections[found.topic].append(found.article_id)
    lead = widest_arrangement(connection, issue).lead if sections else None
    return Standing(lead, {article: section for section in sections.values() for article in section})


def _check(change: Change) -> None:
    for name, text in (change.texts or {}).items():
        if len(text) > LONGEST.get(name, 2000):
            raise UsageError(f"{name}: at most {LONGEST.get(name, 2000):,} characters, and this has {len(text):,}")
    if change.what is What.SPONSOR and change.text("title") and web_address(change.text("url")) is None:
        raise UsageError("url: a sponsor needs an address to lead to that begins with https://")
    pictured = change.what is What.PICTURE or (change.what is What.SPONSOR and change.text("title"))
    if pictured and change.text("image") and web_address(change.text("image")) is None:
        raise UsageError("image: it needs an address that begins with https://")


def _former(connection: Connection, issue: Issue, number: int) -> Edits:
    edits = revisions.edits_by(connection, issue.id, number)
    if edits is None:
        raise UsageError(f"nothing is known of revision {number} of issue {issue.name}")
    return edits


_OF_A_CANDIDATE = (What.PIN, What.EXCLUDE, What.PUT_BACK, What.PLACE, What.REWRITE, What.PICTURE)


def _about(app: App, connection: Connection, issue: Issue, change: Change) -> str:
    """The title of the article that a change is about, as its source says it; refused where that is no candidate, or cannot be pinned."""
    if change.what is What.TAKE_IN:
        return _from_outside(app, connection, issue, change)
    if change.what not in _OF_A_CANDIDATE:
        return ""
    row = tables.decision.c
    mine = select(row.chosen).where(row.issue_id == issue.id, row.article_id == change.article)
    chosen = connection.execute(mine).scalar()
    if chosen is None:
        raise UsageError(f"article {change.article} is no candidate of {issue.name}")
    if change.what is What.PLACE and not chosen:
        raise UsageError(f"article {change.article} is not in {issue.name}; pin it first")
    article = find_article(connection, f"number:{change.article}")
    if change.what is What.PIN:
        may_be_pinned(article, issue.cutoff)
    return article.title


def _from_outside(app: App, connection: Connection, issue: Issue, change: Change) -> str:
    """The title of the article that is taken in; refused where the issue cannot hold it, or has no such topic."""
    offered = app.newsletter(issue.newsletter).offered
    if change.text("topic") not in offered:
        raise UsageError(f"topic: say under which of {', '.join(offered)} it comes")
    article = find_article(connection, f"number:{change.article}")
    may_be_pinned(article, issue.cutoff)
    return article.title


def _look(connection: Connection, issue: Issue, change: Change, title: str) -> None:
    """Whether a pin took effect, or a taking in."""
    if change.what not in (What.PIN, What.TAKE_IN):
        return
    row = tables.decision.c
    mine = select(row.reason).where(row.issue_id == issue.id, row.article_id == change.article)
    reason = connection.execute(mine).scalar()
    if reason == Reason.NO_TOPIC:
        raise Refused(
            f"“{title}” cannot be pinned: it carries no tag of a topic of {issue.newsletter}, and nobody would get it;"
            " take it in under a topic"
        )
    if reason in HAD:
        raise Refused(f"“{title}” would reach nobody: everybody has it already")
