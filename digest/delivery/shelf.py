"""The shelf: an issue's renditions, as the store has them planned, less what was withdrawn."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, select

from digest.delivery.press import Planned, Press
from digest.issues.arranging import arrange
from digest.issues.issue import Issue, blocks_of, frozen_of
from digest.issues.rendered import sign
from digest.issues.selection import Decision, Reason, Selection
from digest.issues.withdrawn import sub_revision_of, withdrawn_from
from digest.rendering.content import Arrangement, IssueContent
from digest.rendering.degrading import Degraded
from digest.rendering.rendition import Rendition
from digest.store import tables
from digest.store.prepared import Prepared

_kept = tables.rendition.c
_ARRANGEMENT = Prepared(
    select(_kept.arrangement, _kept.language).where(_kept.issue_id == bindparam("issue"), _kept.number == bindparam("number"))
)


class Shelf:
    """The renditions of one issue, by number, less what was withdrawn after the freeze: as of `sub_revision`.

    `content_hash` is of what is really stored, whole, for whoever is about to send it. `press` is what assembles them.
    """

    def __init__(self, connection: Connection, issue: Issue) -> None:
        frozen = frozen_of(connection, issue)
        blocks = {one: blocks_of(connection, issue, one) for one in frozen.languages}
        self.issue, self.content = issue, frozen.content
        self.press = Press(issue.name, frozen, blocks, may_be_empty=issue.is_correction)
        self.content_hash = sign(blocks, frozen.content, [one.subject for one in frozen.others], frozen.template_hash)
        self.refresh(connection)

    @property
    def languages(self) -> tuple[str, ...]:
        """Those that the issue was rendered in, the newsletter's own first."""
        return tuple(self.press.blocks)

    @property
    def degraded(self) -> dict[int, Degraded]:
        """Those taken from it that were too large."""
        return self.press.degraded

    def content_in(self, language: str) -> IssueContent:
        """What the issue's blocks in one of its languages were rendered from."""
        return self.press.frozen.content_in(language)

    def refresh(self, connection: Connection) -> None:
        """Leave out what was withdrawn meanwhile."""
        # In this order: a withdrawal in between is left out already, and the next mark asks for its number.
        self.sub_revision = sub_revision_of(connection, self.issue.id)
        self._withdrawn = frozenset(withdrawn_from(connection, self.issue.id))

    def look(self, connection: Connection, number: int) -> Planned | None:
        """What rendition `number` is to be made of; None when every article of it was withdrawn."""
        arrangement, language = planned(connection, self.issue, number)
        if arrangement.articles and self._withdrawn.issuperset(arrangement.articles):
            return None
        return Planned(number, arrangement, language, self._withdrawn, self.press)

    def take(self, connection: Connection, number: int) -> Rendition | None:
        """Rendition `number`, assembled from the frozen blocks; None when every article of it was withdrawn."""
        found = self.look(connection, number)
        return None if found is None else found.make()

    def assemble(self, arrangement: Arrangement, number: int, language: str | None = None, *, whole: bool = False) -> Rendition:
        """Any arrangement of this issue's blocks: for previews of what is not planned. Refused when nothing of it remains.

        Without a language in the newsletter's own. A `whole` one is not shortened, however large it is.
        """
        return self.press.assemble(arrangement, number, language, self._withdrawn, whole=whole)


def planned(connection: Connection, issue: Issue, number: int) -> tuple[Arrangement, str]:
    """What stands where in a planned rendition, and its language."""
    text, language = _ARRANGEMENT.run(connection, {"issue": issue.id, "number": number}).fetchone()
    data: Any = orjson.loads(text)
    return Arrangement(data["lead"], tuple((topic, tuple(articles)) for topic, articles in data["sections"])), language


def widest_arrangement(connection: Connection, issue: Issue) -> Arrangement:
    """What somebody who follows every topic, and has missed nothing, gets of an issue: the issue's own selection."""
    kept = tables.decision.c
    rows = connection.execute(select(*kept).where(kept.issue_id == issue.id).order_by(kept.position))
    decisions = tuple(Decision(row.article_id, Reason(row.reason), row.topic) for row in rows)
    return arrange(Selection(decisions), frozen_of(connection, issue))
