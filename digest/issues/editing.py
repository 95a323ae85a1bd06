"""Editing: what an editor fixes, leaves out or adds in one issue. Pure; a new freeze puts it into force."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from digest.issues.selection import Rules
from digest.rendering.content import IssueContent, NoteContent, RewritingContent, SponsorContent


@dataclass(frozen=True, slots=True)
class Edits:
    """The articles that are pinned, in the editor's order, and those that are left out, none of them both; what stands above
    them; an own subject and preheader; and articles that are said in other words."""

    pinned: tuple[int, ...] = ()
    excluded: tuple[int, ...] = ()
    note: NoteContent | None = None
    sponsor: SponsorContent | None = None
    subject: str = ""
    preheader: str = ""
    rewritten: tuple[RewritingContent, ...] = ()

    def pin(self, articles: Sequence[int]) -> Edits:
        """Fix these behind those that are pinned already; what was pinned before keeps its place."""
        return replace(self, pinned=_once(self.pinned + tuple(articles)), excluded=_less(self.excluded, articles))

    def exclude(self, articles: Sequence[int]) -> Edits:
        """Leave these out."""
        return replace(self, pinned=_less(self.pinned, articles), excluded=_once(self.excluded + tuple(articles)))

    def put_back(self, articles: Sequence[int]) -> Edits:
        """Leave these to the rules again."""
        return replace(self, pinned=_less(self.pinned, articles), excluded=_less(self.excluded, articles))

    def rewrite(self, wording: RewritingContent) -> Edits:
        """Say an article in these words; in its own again where they are empty."""
        others = tuple(one for one in self.rewritten if one.article != wording.article)
        return replace(self, rewritten=others if not (wording.title or wording.summary) else (*others, wording))

    def place(self, section: Sequence[int], lead: int | None, article: int, place: int) -> Edits:
        """Move an article to a place among the chosen ones of its topic, given in their order: what stands there then is pinned down
        to it. An article of another topic that leads goes on to lead."""
        rest = [one for one in section if one != article]
        wanted = [*rest[:place], article, *rest[place:]]
        last = max(at for at, one in enumerate(wanted) if one == article or one in self.pinned)
        fixed = wanted[: last + 1]
        first = () if lead is None or lead in section else (lead,)
        others = (one for one in self.pinned if one not in fixed)
        return replace(self, pinned=_once((*first, *others, *fixed) if first or not lead else (*fixed, *others)))


def edits_of(rules: Rules, content: IssueContent) -> Edits:
    """What an editor has done so far to an issue with these rules and this content."""
    own = (content.own_subject, content.own_preheader, content.rewritten)
    return Edits(rules.pinned, rules.excluded, content.note, content.sponsor, *own)


def _once(articles: Sequence[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(articles))


def _less(articles: Sequence[int], others: Sequence[int]) -> tuple[int, ...]:
    return tuple(one for one in articles if one not in others)
