"""The shelf: an issue's renditions, assembled when they are first needed; the most recently used stay."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, select

from digest.errors import Refused
from digest.issues.arranging import arrange, without
from digest.issues.issue import Issue, blocks_of, frozen_of
from digest.issues.rendered import sign
from digest.issues.selection import Decision, Reason, Selection
from digest.issues.withdrawn import sub_revision_of, withdrawn_from
from digest.languages.matching import lookup
from digest.rendering.assemble import assemble
from digest.rendering.blocks import Blocks
from digest.rendering.content import Arrangement, IssueContent
from digest.rendering.degrading import Degraded
from digest.rendering.rendition import Rendition
from digest.store import tables
from digest.store.prepared import Prepared

_KEPT = 64  # more than there are lanes, as a rule, and each of up to some 100 KB
_kept = tables.rendition.c
_ARRANGEMENT = Prepared(
    select(_kept.arrangement, _kept.language).where(_kept.issue_id == bindparam("issue"), _kept.number == bindparam("number"))
)


class NothingLeft(Refused):
    """Every article of it was withdrawn."""


class Shelf:
    """The renditions of one issue, by number, less what was withdrawn after the freeze: as of `sub_revision`.

    `content_hash` is of what is really stored, whole, for whoever is about to send it. `degraded` are those taken from it that
    were too large.
    """

    def __init__(self, connection: Connection, issue: Issue) -> None:
        frozen = frozen_of(connection, issue)
        self.issue, self.content, self._frozen = issue, frozen.content, frozen
        self._blocks: dict[str, Blocks] = {one: blocks_of(connection, issue, one) for one in frozen.languages}
        self._kept: OrderedDict[int, Rendition] = OrderedDict()
        self.degraded: dict[int, Degraded] = {}
        self.content_hash = sign(self._blocks, frozen.content, [one.subject for one in frozen.others], frozen.template_hash)
        self.refresh(connection)

    @property
    def languages(self) -> tuple[str, ...]:
        """Those that the issue was rendered in, the newsletter's own first."""
        return tuple(self._blocks)

    def content_in(self, language: str) -> IssueContent:
        """What the issue's blocks in one of its languages were rendered from."""
        return self._frozen.content_in(language)

    def refresh(self, connection: Connection) -> None:
        """Leave out what was withdrawn meanwhile."""
        # In this order: a withdrawal in between is left out already, and the next mark asks for its number.
        self.sub_revision = sub_revision_of(connection, self.issue.id)
        self._withdrawn = frozenset(withdrawn_from(connection, self.issue.id))
        self._kept.clear()

    def take(self, connection: Connection, number: int) -> Rendition | None:
        """Rendition `number`, assembled from the frozen blocks; None when every article of it was withdrawn."""
        if number not in self._kept:
            arrangement, language = planned(connection, self.issue, number)
            if arrangement.articles and self._withdrawn.issuperset(arrangement.articles):
                return None
            self._kept[number] = self.assemble(arrangement, number, language)
            if (degraded := self._kept[number].degraded) is not None:
                self.degraded[number] = degraded
        self._kept.move_to_end(number)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return self._kept[number]

    def assemble(self, arrangement: Arrangement, number: int, language: str | None = None, *, whole: bool = False) -> Rendition:
        """Any arrangement of this issue's blocks: for previews of what is not planned. Refused when nothing of it remains.

        Without a language in the newsletter's own. A `whole` one is not shortened, however large it is.
        """
        left = without(arrangement, self._withdrawn, self._frozen) if self._withdrawn else arrangement
        if not left.articles and not self.issue.is_correction:
            name = self.issue.name
            raise NothingLeft(
                f"nothing of issue {name} remains, all its articles were withdrawn; `digest issues skip {name}` or cancel it"
            )
        language = self._in(language or self.content.language)
        return assemble(
            self._blocks[language],
            left,
            issue=self.issue.name,
            number=number,
            content=self._frozen.content_in(language),
            withdrawn=self._withdrawn,
            whole=whole,
        )

    def _in(self, language: str) -> str:
        found = lookup(language, self.languages)
        if found is None:
            raise Refused(
                f"issue {self.issue.name} was rendered in {', '.join(self.languages)}, those that somebody gets it in, and not in {language}"
            )
        return found


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
