"""Degrading: what becomes of a rendition that mail programs would clip. Excerpts are cut, then only titles are left, then
some of them stand on the web alone.

Decided by sizes and nothing else, so that a preview, a dry run and the real one degrade alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from digest.languages import Words
from digest.rendering.content import Arrangement, ArticleContent, IssueContent, SectionContent
from digest.rendering.rendition import Slotted

CLIPPED_AT = 100_000
"""Bytes of HTML from which on a rendition degrades; Gmail clips near 102 KB."""
MORE_SLUG = ""
"""What the section that leads to what did not fit is called; no topic can be called so."""
MORE_ARTICLE = 0
"""The id of the one card in it, which no article has."""

_SLOT = 200  # bytes for a value that is put in later; an address and a link have fewer
_PREHEADER = 560  # bytes for that one: 110 characters of five at most, be they Japanese, an emoji or an escaped quote
_EXCERPT = 120  # characters


class Form(StrEnum):
    """How much of its articles a degraded rendition shows."""

    EXCERPTS = "excerpts"
    TITLES = "titles"
    WEB = "web"


@dataclass(frozen=True, slots=True)
class Degraded:
    """How a rendition was made to fit: its form, its bytes whole and now, and the articles that stand on the web alone."""

    form: Form
    whole: int
    size: int
    on_the_web: tuple[int, ...] = ()

    def __str__(self) -> str:
        did = "its excerpts were cut" if self.form is Form.EXCERPTS else "only titles were left"
        many = len(self.on_the_web)
        web = f", and {many} article{' stands' if many == 1 else 's stand'} on the web alone" if many else ""
        return f"whole it would have {self.whole:,} bytes: {did}{web}"


def account(degraded: Collection[Degraded]) -> str:
    """What became of several renditions, in one line."""
    forms = Counter(one.form for one in degraded)
    most = max((len(one.on_the_web) for one in degraded), default=0)
    did = {
        Form.EXCERPTS: "excerpts were cut",
        Form.TITLES: "only titles were left",
        Form.WEB: f"up to {most} article{' stands' if most == 1 else 's stand'} on the web alone",
    }
    many = f"{len(degraded):,} rendition{' was' if len(degraded) == 1 else 's were'} too large for mail programs"
    return f"{many}: {', '.join(f'{did[form]} in {forms[form]:,}' for form in Form if forms[form])}"


def weigh(html: Iterable[Slotted]) -> int:
    """Bytes of HTML, with room for what is put into its slots: never fewer than once they are filled."""
    return sum(sum(len(literal.encode()) for literal in one.literals) + sum(map(_room, one.slots)) for one in html)


def _room(slot: str) -> int:
    return _PREHEADER if slot == "preheader" else _SLOT


def excerpt(article: ArticleContent) -> ArticleContent:
    """The article with a summary of a line or two, and without other places of its story."""
    return replace(article, summary=_cut(article.summary), also=())


def headline(article: ArticleContent) -> ArticleContent:
    """The article's title, and the link."""
    return replace(article, summary="", author=None, image=None, image_alt=None, reading_minutes=None, also=())


def more_section(words: Words) -> SectionContent:
    """The section that leads to what did not fit."""
    return SectionContent(MORE_SLUG, words.translate("More on the web"))


def more_article(content: IssueContent, words: Words) -> ArticleContent:
    """What leads to the whole issue, as the one article of that section."""
    return ArticleContent(
        id=MORE_ARTICLE,
        title=words.translate("Read the whole issue on the web"),
        url=content.web_url,
        summary="",
        author=None,
        image=None,
        image_alt=None,
        reading_minutes=None,
        published_on=None,
        language=content.language,
        featured=False,
        topics=(),
    )


def thinned(arrangement: Arrangement, many: int) -> Arrangement:
    """The arrangement without `many` of its articles: always the last of the section that has most, of several the last one."""
    sections = [(slug, list(articles)) for slug, articles in arrangement.sections]
    for _ in range(many):
        largest = max(reversed(sections), key=lambda section: len(section[1]))
        largest[1].pop()
        sections = [section for section in sections if section[1]]
    more = (MORE_SLUG, (MORE_ARTICLE,))
    return Arrangement(arrangement.lead, (*((slug, tuple(articles)) for slug, articles in sections), more))


def _cut(text: str) -> str:
    if len(text) <= _EXCERPT:
        return text
    cut = text[: _EXCERPT - 1]
    if text[_EXCERPT - 1] != " " and " " in cut:
        cut = cut[: cut.rindex(" ")]
    return cut.rstrip(" ·,;:–—-.") + "…"
