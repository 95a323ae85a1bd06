"""Arranging: from a selection to what stands where in a rendition."""

from __future__ import annotations

from digest.issues.frozen import Frozen
from digest.issues.selection import Reason, Selection
from digest.rendering.content import Arrangement


def arrange(selection: Selection, frozen: Frozen) -> Arrangement:
    """The first featured or pinned article leads; the rest stand under their topics, in the newsletter's order.

    Within a section the order is that of the selection: pinned, owed, featured, newest.
    """
    featured = {candidate.id for candidate in frozen.candidates if candidate.featured}
    leading = (
        decision.article
        for decision in selection.chosen
        if decision.reason in {Reason.PINNED, Reason.FEATURED} or decision.article in featured
    )
    lead = next(leading, None)
    sections = (
        (topic, tuple(d.article for d in selection.chosen if d.topic == topic and d.article != lead))
        for topic in frozen.rules.topics
    )
    return Arrangement(lead, tuple((topic, articles) for topic, articles in sections if articles))
