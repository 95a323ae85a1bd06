"""A newsletter's rules, from its settings."""

from __future__ import annotations

from digest.issues.editing import Edits
from digest.issues.selection import Rules
from digest.settings import NewsletterSettings


def rules_of(newsletter: NewsletterSettings, edits: Edits | None = None, *, by_hand: bool = False) -> Rules:
    """The rules as they are configured now, and what an editor did; the freeze fixes them for its issue. `by_hand`: an editor alone says
    what is in."""
    fixed = edits or Edits()
    return Rules(
        topics=tuple(newsletter.offered),
        max_articles=newsletter.max_articles,
        max_per_topic=newsletter.max_per_topic,
        carry_over=newsletter.carry_over,
        lookback=newsletter.lookback,
        order=newsletter.order,
        languages=newsletter.languages,
        max_per_author=newsletter.max_per_author,
        topics_take_turns=newsletter.topics_take_turns,
        pinned=fixed.pinned,
        excluded=fixed.excluded,
        taken_in=fixed.taken_in,
        by_hand=by_hand,
    )
