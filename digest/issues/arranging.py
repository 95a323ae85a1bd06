"""Arranging: from a selection to what stands where in a rendition."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from digest.issues.frozen import Frozen
from digest.issues.ordering import preference
from digest.issues.selection import Candidate, Reason, Selection
from digest.rendering.content import Arrangement


def arrange(selection: Selection, frozen: Frozen) -> Arrangement:
    """The first featured or pinned article leads; the rest stand under their topics, in the newsletter's order.

    Within a section the order is that of the selection: pinned, owed, then in the newsletter's order.
    """
    chosen = selection.chosen
    featured = {candidate.id for candidate in frozen.candidates if candidate.featured}
    leading = (
        decision.article
        for decision in chosen
        if decision.reason in {Reason.PINNED, Reason.FEATURED} or decision.article in featured
    )
    lead = next(leading, None)
    sections = (
        (topic, tuple(d.article for d in chosen if d.topic == topic and d.article != lead)) for topic in frozen.rules.topics
    )
    return Arrangement(lead, tuple((topic, articles) for topic, articles in sections if articles))


def without(arrangement: Arrangement, articles: Collection[int], frozen: Frozen) -> Arrangement:
    """An arrangement less some articles; sections that are empty then are not there.

    Where the lead goes, the next that may lead takes its place. Which of a reader's articles were owed is not known any
    more: of the first in each section that may lead, it is the one pinned first, or else the first in the newsletter's order.
    """
    sections = [(topic, tuple(one for one in held if one not in articles)) for topic, held in arrangement.sections]
    lead = arrangement.lead
    if lead in articles:
        lead = _next_lead((held for _, held in sections), frozen)
    left = ((topic, tuple(one for one in held if one != lead)) for topic, held in sections)
    return Arrangement(lead, tuple((topic, held) for topic, held in left if held))


def _next_lead(sections: Iterable[tuple[int, ...]], frozen: Frozen) -> int | None:
    pinned = frozen.rules.pinned
    leading = {candidate.id: candidate for candidate in frozen.candidates if candidate.featured or candidate.id in pinned}
    firsts = (next((leading[one] for one in held if one in leading), None) for held in sections)

    preferred = preference(frozen.rules.order)

    def rank(candidate: Candidate) -> tuple[int, tuple[float, ...]]:
        return (pinned.index(candidate.id) if candidate.id in pinned else len(pinned)), preferred(candidate)

    first = min((candidate for candidate in firsts if candidate is not None), key=rank, default=None)
    return None if first is None else first.id
