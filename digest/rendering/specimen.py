"""A small issue that every template is tried on: an article with everything, one with next to nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from digest.rendering.content import (
    AlsoContent,
    Arrangement,
    ArticleContent,
    IssueContent,
    NoteContent,
    Personal,
    SectionContent,
    SenderContent,
    SiteContent,
    SponsorContent,
)
from digest.rendering.mail_content import Confirm, IssueReady, SignIn, Welcome

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
CONTENTS = (
    replace(
        CONTENT,
        note=NoteContent("A word *before* it."),
        sponsor=SponsorContent("Sponsor", "https://example.com/sponsor", "Pays.", "https://example.com/sponsor.png", "A sign"),
    ),
    CONTENT,
)
"""With all that can stand above the articles, and without."""
ARRANGEMENTS = (Arrangement(1, (("one", (2,)),)), Arrangement(None, (("one", (2, 1)),)))
"""With an article at the top, and without."""
PERSONAL = Personal("Hello,", "reader@example.com", "https://example.com/preferences", "https://example.com/unsubscribe")
MAILS = (
    Confirm("Specimen", ("One", "Two"), "reader@example.com", "https://example.com/confirm"),
    Welcome(
        "Specimen",
        ("One", "Two"),
        "reader@example.com",
        date(2026, 1, 12),
        "https://example.com/preferences",
        "https://example.com/unsubscribe",
    ),
    SignIn("editor@example.com", 15, "https://example.com/sign-in"),
    IssueReady("Specimen", 1, "Specimen no. 1", 2, datetime(2026, 1, 12, 9, tzinfo=UTC), "https://example.com/editor"),
)
"""One of each mail of Digest's own."""
