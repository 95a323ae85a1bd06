"""What an editor does to an issue that nobody was planned for yet: pin articles, leave some out, put them back.

Each edit is a new revision: what is frozen is composed and rendered anew, and an approval of the one before is void. Articles
that arrived since the freeze stay out of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, select

from digest.app.wiring import App
from digest.catalogue.article import Article
from digest.catalogue.articles import find_article
from digest.errors import Refused, UsageError
from digest.issues.editing import Edits, edits_of
from digest.issues.freezing import refreeze
from digest.issues.issue import Issue, find_issue, frozen_of
from digest.issues.lifecycle import STEPS, WHY_NOT, IssueState, record
from digest.issues.selection import Reason
from digest.rendering.content import NoteContent, SponsorContent
from digest.store import tables


@dataclass(frozen=True, slots=True)
class Wish:
    """Articles as a person names them: to be pinned in this order, to be left out, to be left to the rules again; and what shall
    stand above them, or no longer."""

    pin: Sequence[str] = ()
    exclude: Sequence[str] = ()
    put_back: Sequence[str] = ()
    note: NoteContent | None = None
    sponsor: SponsorContent | None = None
    take_out: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Understood:
    """The same, as articles."""

    pin: Sequence[Article]
    exclude: Sequence[Article]
    put_back: Sequence[Article]
    wish: Wish

    def edits(self, before: Edits) -> Edits:
        """What is pinned, left out and added afterwards."""
        placed = before.put_back(_ids(self.put_back)).exclude(_ids(self.exclude)).pin(_ids(self.pin))
        above = {name: getattr(self.wish, name) or getattr(before, name) for name in ("note", "sponsor")}
        return replace(placed, **above | dict.fromkeys(self.wish.take_out))


def edit(app: App, name: str, wish: Wish, actor: str) -> Issue:
    """Make the next revision of an issue as an editor wishes; refused once it is planned, and when too little would be left.

    A wish for nothing changes nothing.
    """
    with app.store.writing() as connection:
        issue = find_issue(connection, name)
        if IssueState.DRAFT not in STEPS[issue.state]:
            raise Refused(f"issue {issue.name} cannot be edited: {WHY_NOT[issue.state]}")
        frozen = frozen_of(connection, issue)
        before = edits_of(frozen.rules, frozen.content)
        understood = understand(connection, wish, issue.cutoff)
        edits = understood.edits(before)
        if edits == before:
            return issue
        edited = refrozen(app, connection, issue, edits, actor)
        write_down(app, connection, edited, understood, actor)
        return edited


def understand(connection: Connection, wish: Wish, cutoff: int) -> Understood:
    """The articles that a wish names; refused when one is named twice, or cannot be pinned in an issue with this cutoff."""
    pin, exclude, put_back = ([find_article(connection, ref) for ref in refs] for refs in (wish.pin, wish.exclude, wish.put_back))
    found = Understood(pin, exclude, put_back, wish)
    every = [*found.pin, *found.exclude, *found.put_back]
    for article in every:
        if sum(one.id == article.id for one in every) > 1:
            raise UsageError(f"article {_called(article)} is named twice; pin it, leave it out or put it back, once")
    for article in found.pin:
        may_be_pinned(article, cutoff)
    return found


def write_down(app: App, connection: Connection, issue: Issue, wish: Understood, actor: str) -> None:
    """Look whether a wish took effect in the issue that was frozen with it, and keep it in the history."""
    reasons = _reasons(connection, issue)
    for article in wish.pin:
        if reasons[article.id] == Reason.NO_TOPIC:
            raise Refused(
                f"article {_called(article)} cannot be pinned: it carries no tag of a topic of {issue.newsletter}, and nobody"
                " would get it"
            )
    for article in wish.exclude:
        if article.id not in reasons:
            raise UsageError(f"article {_called(article)} is no candidate of {issue.name}; there is nothing to leave out")
    for did in _done(wish):
        record(connection, issue.id, issue.state, issue.state, actor=actor, now=app.now, reason=did)


def _done(wish: Understood) -> Iterator[str]:
    for did, articles in (("pinned", wish.pin), ("left out", wish.exclude), ("put back", wish.put_back)):
        if articles:
            yield f"{did} {', '.join(f'“{article.title}”' for article in articles)}"
    if wish.wish.note is not None:
        yield "wrote a note above the articles"
    if wish.wish.sponsor is not None:
        yield f"named the sponsor “{wish.wish.sponsor.title}”"
    for name in sorted(wish.wish.take_out):
        yield f"took the {name} out"


def refrozen(app: App, connection: Connection, issue: Issue, edits: Edits, actor: str) -> Issue:
    """The issue frozen anew with these edits; refused where too little would be left."""
    newsletter, folders = app.newsletter(issue.newsletter), app.template_folders
    edited = refreeze(
        connection, app.settings, newsletter, issue, folders=folders, now=app.now, actor=actor, edits=edits, cutoff=issue.cutoff
    )
    if edited.state is IssueState.SKIPPED:
        raise Refused(f"issue {issue.name} stays as it is: {edited.reason}; `digest issues skip {issue.name}` lets the slot pass")
    return edited


def may_be_pinned(article: Article, cutoff: int) -> None:
    """Refused where an article is none that an issue with this cutoff may hold."""
    what = f"article {_called(article)} cannot be pinned"
    if article.withdrawn_at is not None:
        raise Refused(f"{what}: it was withdrawn")
    if article.arrival is None:
        raise Refused(f"{what}: its time has not come")
    if article.arrival > cutoff:
        raise Refused(f"{what}: it arrived after the freeze, and comes with the next issue")


def _reasons(connection: Connection, issue: Issue) -> dict[int, str]:
    row = tables.decision.c
    found = connection.execute(select(row.article_id, row.reason).where(row.issue_id == issue.id))
    return {decision.article_id: decision.reason for decision in found}


def _ids(articles: Sequence[Article]) -> list[int]:
    return [article.id for article in articles]


def _called(article: Article) -> str:
    return f"{article.id} “{article.title}”"
