"""Editing: what an editor fixes, leaves out or adds in one issue. Pure; a new freeze puts it into force."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from digest.issues.selection import Rules
from digest.rendering.content import IssueContent, NoteContent, SponsorContent


@dataclass(frozen=True, slots=True)
class Edits:
    """The articles that are pinned, in the editor's order, and those that are left out, none of them both; and what stands above them."""

    pinned: tuple[int, ...] = ()
    excluded: tuple[int, ...] = ()
    note: NoteContent | None = None
    sponsor: SponsorContent | None = None

    def pin(self, articles: Sequence[int]) -> Edits:
        """Fix these behind those that are pinned already; what was pinned before keeps its place."""
        return replace(self, pinned=_once(self.pinned + tuple(articles)), excluded=_less(self.excluded, articles))

    def exclude(self, articles: Sequence[int]) -> Edits:
        """Leave these out."""
        return replace(self, pinned=_less(self.pinned, articles), excluded=_once(self.excluded + tuple(articles)))

    def put_back(self, articles: Sequence[int]) -> Edits:
        """Leave these to the rules again."""
        return replace(self, pinned=_less(self.pinned, articles), excluded=_less(self.excluded, articles))


def edits_of(rules: Rules, content: IssueContent) -> Edits:
    """What an editor has done so far to an issue with these rules and this content."""
    return Edits(rules.pinned, rules.excluded, content.note, content.sponsor)


def _once(articles: Sequence[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(articles))


def _less(articles: Sequence[int], others: Sequence[int]) -> tuple[int, ...]:
    return tuple(one for one in articles if one not in others)
