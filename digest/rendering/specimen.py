"""A small issue that every template is tried on: an article with everything, one with next to nothing."""

from __future__ import annotations

from datetime import date

from digest.rendering.content import (
    AlsoContent,
    Arrangement,
    ArticleContent,
    IssueContent,
    Personal,
    SectionContent,
    SenderContent,
    SiteContent,
)

_FULL = ArticleContent(
    id=1,
    title="What the queue said when nobody listened",
    url="https://example.com/queue",
    summary="A long night, one graph, and two lines that mended it.",
    author="Ada Example",
    image="https://example.com/queue.png",
    image_alt="A graph that rises and falls",
    reading_minutes=7,
    published_on=date(2026, 1, 5),
    language="en",
    featured=True,
    topics=("one",),
    also=(AlsoContent(9, "https://example.net/queue", "example.net"),),
)
_BARE = ArticleContent(
    id=2,
    title="In short",
    url="https://example.com/short",
    summary="",
    author=None,
    image=None,
    image_alt=None,
    reading_minutes=None,
    published_on=None,
    language=None,
    featured=False,
    topics=("one",),
)
CONTENT = IssueContent(
    newsletter="specimen",
    title="Specimen",
    number=1,
    slot_on=date(2026, 1, 5),
    language="en",
    subject="Specimen no. 1",
    site=SiteContent("Example", "https://example.com", "https://example.com", "1 Example Street", None, "#0b6e6e"),
    sender=SenderContent("Example", "specimen@example.com", None),
    sections=(SectionContent("one", "One"),),
    articles=(_FULL, _BARE),
)
ARRANGEMENTS = (Arrangement(1, (("one", (2,)),)), Arrangement(None, (("one", (2, 1)),)))
"""With an article at the top, and without."""
PERSONAL = Personal("Hello,", "reader@example.com", "https://example.com/preferences", "https://example.com/unsubscribe")
