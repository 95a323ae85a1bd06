"""Editing: what an editor fixes, leaves out or adds in one issue. Pure; a new freeze puts it into force."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from digest.issues.selection import Rules
from digest.rendering.content import IssueContent, NoteContent, RewritingContent, SponsorContent


@dataclass(frozen=True, slots=True)
class Edits:
    """The articles that are pinned, in the editor's order, and those that are left out, none of them both; what stands above
    them; an own subject and preheader; articles that are said in other words or shown with another picture; those that were
    taken in by hand, each with its topic; and further subjects."""

    pinned: tuple[int, ...] = ()
    excluded: tuple[int, ...] = ()
    note: NoteContent | None = None
    sponsor: SponsorContent | None = None
    subject: str = ""
    preheader: str = ""
    rewritten: tuple[RewritingContent, ...] = ()
    taken_in: tuple[tuple[int, str], ...] = ()
    alternatives: tuple[str, ...] = ()

    def pin(self, articles: Sequence[int]) -> Edits:
        """Fix these behind those that are pinned already; what was pinned before keeps its place."""
        return replace(self, pinned=_once(self.pinned + tuple(articles)), excluded=_less(self.excluded, articles))

    def exclude(self, articles: Sequence[int]) -> Edits:
        """Leave these out."""
        return replace(self, pinned=_less(self.pinned, articles), excluded=_once(self.excluded + tuple(articles)))

    def put_back(self, articles: Sequence[int]) -> Edits:
        """Leave these to the rules again; what was taken in by hand is out again, where the rules have no place for it."""
        kept = tuple(one for one in self.taken_in if one[0] not in articles)
        return replace(self, pinned=_less(self.pinned, articles), excluded=_less(self.excluded, articles), taken_in=kept)

    def take_in(self, article: int, topic: str) -> Edits:
        """Have an article in under a topic, whatever its tags and its age: it is pinned, and may be moved like what else is."""
        others = tuple(one for one in self.taken_in if one[0] != article)
        return replace(self.pin([article]), taken_in=(*others, (article, topic)))

    def say(self, article: int, title: str, summary: str) -> Edits:
        """Say an article in these words; in its own again where they are empty."""
        return self._rewrite(replace(self._wording(article), title=title, summary=summary))

    def picture(self, article: int, image: str, image_alt: str) -> Edits:
        """Show an article with this picture, or say its own in these words; as its source does again where they are empty."""
        return self._rewrite(replace(self._wording(article), image=image, image_alt=image_alt))

    def _wording(self, article: int) -> RewritingContent:
        return next((one for one in self.rewritten if one.article == article), RewritingContent(article))

    def _rewrite(self, wording: RewritingContent) -> Edits:
        others = tuple(one for one in self.rewritten if one.article != wording.article)
        return replace(self, rewritten=others if wording == RewritingContent(wording.article) else (*others, wording))

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
    return Edits(rules.pinned, rules.excluded, content.note, content.sponsor, *own, rules.taken_in, content.alternatives)


def _once(articles: Sequence[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(articles))


def _less(articles: Sequence[int], others: Sequence[int]) -> tuple[int, ...]:
    return tuple(one for one in articles if one not in others)
