"""Arranging: from a selection to what stands where in a rendition."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from digest.issues.frozen import Frozen
from digest.issues.ordering import preference
from digest.issues.selection import Candidate, Decision, Reason, Selection
from digest.rendering.content import Arrangement

_LEADING = (Reason.PINNED, Reason.FEATURED)


def arrange(selection: Selection, frozen: Frozen) -> Arrangement:
    """The first featured or pinned article leads; the rest stand under their topics, in the newsletter's order.

    Within a section the order is that of the selection: pinned, owed, then in the newsletter's order.
    """
    chosen = selection.chosen
    lead = next((decision.article for decision in chosen if _may_lead(decision, frozen)), None)
    sections: defaultdict[str | None, list[int]] = defaultdict(list)
    for decision in chosen:
        if decision.article != lead:
            sections[decision.topic].append(decision.article)
    return Arrangement(lead, tuple((topic, tuple(sections[topic])) for topic in frozen.rules.topics if topic in sections))


def _may_lead(decision: Decision, frozen: Frozen) -> bool:
    if decision.reason is not Reason.CARRIED_OVER:
        return decision.reason in _LEADING
    return any(one.featured for one in frozen.candidates if one.id == decision.article)


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
