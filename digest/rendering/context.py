"""What the names in a template stand for: an issue's content, cleaned once more."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from digest.languages import Words, locale_of
from digest.rendering.cleaning import one_line, web_address
from digest.rendering.colours import shades
from digest.rendering.content import ArticleContent, IssueContent, SectionContent, SiteContent
from digest.rendering.marking import mark_link
from digest.rendering.speaking import speech

Utm = tuple[tuple[str, str], ...]


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
    url: str


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
        "site": clean_site(content.site, content.utm),
        "newsletter": NewsletterView(content.newsletter, one_line(content.title)),
        "issue": IssueView(content.number, content.slot_on, one_line(content.subject), web_address(content.web_url) or "#"),
        "colours": shades(content.site.colour),
        "lang": content.language,
        "dir": "rtl" if rtl else "ltr",
        "start": "right" if rtl else "left",
        "end": "left" if rtl else "right",
    }


def clean_site(site: SiteContent, utm: Utm = ()) -> SiteContent:
    """The site with harmless texts, and its link marked; its postal address on one line."""
    lines = (one_line(line) for line in site.postal_address.splitlines())
    return replace(
        site,
        name=one_line(site.name),
        url=mark_link(web_address(site.url) or "#", utm),
        public_url=web_address(site.public_url) or "#",
        postal_address=", ".join(line.rstrip(",") for line in lines if line),
        logo=web_address(site.logo),
    )


def clean_section(section: SectionContent) -> SectionContent:
    """The section with a harmless title."""
    return replace(section, title=one_line(section.title))


def clean_article(article: ArticleContent, utm: Utm = ()) -> ArticleContent:
    """The article with texts on one line, http(s) links only and marked, and a picture's text where there is a picture."""
    image = web_address(article.image)
    return replace(
        article,
        title=one_line(article.title),
        url=mark_link(web_address(article.url) or "#", utm),
        summary=one_line(article.summary),
        author=one_line(article.author or "") or None,
        image=image,
        image_alt=(one_line(article.image_alt or "") or one_line(article.title)) if image else None,
        language=one_line(article.language or "") or None,
        also=tuple(
            replace(one, url=mark_link(one.url, utm), host=one_line(one.host)) for one in article.also if web_address(one.url)
        ),
    )
