"""Canonical topics: one text for one set of topics, so that equal sets are equal text."""

from __future__ import annotations

import re
from difflib import get_close_matches

from digest.errors import UsageError
from digest.settings import NewsletterSettings

ALL_TOPICS = "*"
"""Every topic of the newsletter, today's and tomorrow's."""

_SEPARATORS = re.compile(r"[\s;,]+")


def parse_topics(text: str, newsletter: NewsletterSettings) -> str:
    """The canonical form of topics that a person wrote: slugs, sorted, each once, joined by one space.

    They may be separated by spaces, semicolons or commas, in any case. Nothing, or `*` among them, means all, which
    is `*`; all of them named one by one is not: it leaves out the topics of tomorrow. An unknown topic is a
    `UsageError` that lists the newsletter's.
    """
    return canonical_topics(text, newsletter.slug, tuple(newsletter.offered))


def canonical_topics(text: str, slug: str, offered: tuple[str, ...]) -> str:
    """`parse_topics` by the newsletter's slug and the topics that it offers."""
    wanted = {word for word in _SEPARATORS.split(text.lower()) if word}
    for word in sorted(wanted - {ALL_TOPICS, *offered}):
        raise UsageError(_unknown(word, slug, offered))
    return ALL_TOPICS if not wanted or ALL_TOPICS in wanted else " ".join(sorted(wanted))


def _unknown(word: str, slug: str, offered: tuple[str, ...]) -> str:
    near = get_close_matches(word, offered, n=1)
    suggestion = f"; did you mean {near[0]!r}?" if near else ";"
    return f"newsletter {slug!r} has no topic {word[:64]!r}{suggestion} its topics are {', '.join(offered)}"
