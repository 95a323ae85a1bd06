"""A newsletter's rules, from its settings."""

from __future__ import annotations

from digest.issues.selection import Rules
from digest.settings import NewsletterSettings


def rules_of(newsletter: NewsletterSettings) -> Rules:
    """The rules as they are configured now; the freeze fixes them for its issue."""
    return Rules(
        topics=tuple(newsletter.offered),
        max_articles=newsletter.max_articles,
        max_per_topic=newsletter.max_per_topic,
        carry_over=newsletter.carry_over,
        lookback=newsletter.lookback,
        order=newsletter.order,
        languages=newsletter.languages,
    )
