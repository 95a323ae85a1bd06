"""What the names in a template stand for: an issue's content, cleaned once more."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from digest.languages import Words, locale_of
from digest.rendering.cleaning import one_line, web_address
from digest.rendering.colours import shades
from digest.rendering.content import ArticleContent, IssueContent, SectionContent, SiteContent
from digest.rendering.speaking import speech


@dataclass(frozen=True, slots=True)
class NewsletterView:
    """`newsletter` in a template."""

    slug: str
    title: str


@dataclass(frozen=True, slots=True)
class IssueView:
    """`issue` in a template."""

    number: int
    date: date
    subject: str


@dataclass(frozen=True, slots=True)
class SectionView:
    """A section with its articles, as a direct rendering walks it."""

    slug: str
    title: str
    articles: tuple[ArticleContent, ...]


def names_everywhere(content: IssueContent, words: Words) -> dict[str, object]:
    """The names that every block knows, slots apart."""
    rtl = locale_of(content.language).text_direction == "rtl"
    return {
        **speech(words),
        "site": clean_site(content.site),
        "newsletter": NewsletterView(content.newsletter, one_line(content.title)),
        "issue": IssueView(content.number, content.slot_on, one_line(content.subject)),
        "colours": shades(content.site.colour),
        "lang": content.language,
        "dir": "rtl" if rtl else "ltr",
        "start": "right" if rtl else "left",
        "end": "left" if rtl else "right",
    }


def clean_site(site: SiteContent) -> SiteContent:
    """The site with harmless texts; its postal address on one line."""
    lines = (one_line(line) for line in site.postal_address.splitlines())
    return replace(
        site,
        name=one_line(site.name),
        url=web_address(site.url) or "#",
        public_url=web_address(site.public_url) or "#",
        postal_address=", ".join(line.rstrip(",") for line in lines if line),
        logo=web_address(site.logo),
    )


def clean_section(section: SectionContent) -> SectionContent:
    """The section with a harmless title."""
    return replace(section, title=one_line(section.title))


def clean_article(article: ArticleContent) -> ArticleContent:
    """The article with texts on one line, http(s) links only, and a picture's text where there is a picture."""
    image = web_address(article.image)
    return replace(
        article,
        title=one_line(article.title),
        url=web_address(article.url) or "#",
        summary=one_line(article.summary),
        author=one_line(article.author or "") or None,
        image=image,
        image_alt=(one_line(article.image_alt or "") or one_line(article.title)) if image else None,
        language=one_line(article.language or "") or None,
        also=tuple(replace(one, host=one_line(one.host)) for one in article.also if web_address(one.url)),
    )
