"""The checks of one issue: pure functions over its widest rendition and its frozen content."""

from __future__ import annotations

import re
from collections.abc import Iterator

from digest.checks.finding import Finding, Severity
from digest.rendering.cleaning import one_line
from digest.rendering.content import IssueContent
from digest.rendering.rendition import Rendition

CLIPPED_AT = 100_000  # bytes of HTML; Gmail clips near 102 KB
NEARLY_CLIPPED_AT = 90_000
_LONG_SUBJECT = 78  # characters; inboxes show fewer
_PLACEHOLDER = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\blorem ipsum\b", re.IGNORECASE)


def check(rendition: Rendition, content: IssueContent) -> list[Finding]:
    """Every finding, errors first."""
    found = [*_subject(rendition), *_footer(rendition, content), *_size(rendition), *_articles(content), *_links(content)]
    return sorted(found, key=lambda finding: finding.severity is not Severity.ERROR)


def _subject(rendition: Rendition) -> Iterator[Finding]:
    if not rendition.subject.strip():
        yield Finding(Severity.ERROR, "subject", "it is empty", "set `subject` of the newsletter")
    elif found := _PLACEHOLDER.search(rendition.subject):
        yield Finding(Severity.ERROR, "subject", f"{found[0]!r} was left in it", "mend `subject` of the newsletter")
    elif len(rendition.subject) > _LONG_SUBJECT:
        what = f"it has {len(rendition.subject)} characters, and inboxes show fewer than {_LONG_SUBJECT}"
        yield Finding(Severity.WARNING, "subject", what, "shorten it")


def _footer(rendition: Rendition, content: IssueContent) -> Iterator[Finding]:
    for part, body in (("html", rendition.html), ("text", rendition.text)):
        if "unsubscribe_url" not in body.slots:
            mend = "put {{ unsubscribe_url }} into the template"
            yield Finding(Severity.ERROR, f"{part} part", "it has no unsubscribe link", mend)
        if part == "text" and not _stands(content.site.postal_address, "".join(body.literals)):
            mend = "put {{ site.postal_address }} into the template"
            yield Finding(Severity.ERROR, f"{part} part", "it has no postal address", mend)


def _stands(address: str, text: str) -> bool:
    """Whether every line of an address stands in a text, however that is wrapped."""
    flat = "".join(text.split())
    return all("".join(one_line(line).split()).rstrip(",") in flat for line in address.splitlines())


def _size(rendition: Rendition) -> Iterator[Finding]:
    size = len("".join(rendition.html.literals).encode())
    if size >= NEARLY_CLIPPED_AT:
        clipped = "Gmail clips it" if size >= CLIPPED_AT else "Gmail clips at about 102,000"
        mend = "lower max_articles, or shorten summaries"
        yield Finding(Severity.WARNING, "html part", f"it has {size:,} bytes, and {clipped}", mend)


def _articles(content: IssueContent) -> Iterator[Finding]:
    for article in content.articles:
        where = f"article {article.id}"
        if found := _PLACEHOLDER.search(f"{article.title} {article.summary}"):
            mend = "mend it at its source if it was not meant"
            yield Finding(Severity.WARNING, where, f"{found[0]!r} stands in its title or summary", mend)
        if article.image and not article.image_alt:
            yield Finding(Severity.WARNING, where, "its picture has no alternative text", "add image_alt at its source")


def _links(content: IssueContent) -> Iterator[Finding]:
    if not content.site.public_url.startswith("https://"):
        what = f"{content.site.public_url} is not https, so mail programs offer no one-click unsubscribe"
        yield Finding(Severity.WARNING, "site.public_url", what, "put Digest's pages behind https")
