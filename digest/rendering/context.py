"""What the names in a template stand for: an issue's content, cleaned once more."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date

from markupsafe import Markup

from digest.languages import Words, locale_of
from digest.rendering.cleaning import one_line, web_address
from digest.rendering.colours import colours_of, shades
from digest.rendering.content import ArticleContent, IssueContent, SectionContent, SiteContent, SponsorContent, ThemeContent
from digest.rendering.marking import mark_link
from digest.rendering.note import read_note
from digest.rendering.speaking import speech
from digest.settings.theme import BODY_FONT, HEADING_FONT, Theme

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
class ThemeView:
    """`theme` in a template; its colours are `colours`."""

    logo: str | None
    logo_dark: str | None
    font: Markup
    heading_font: Markup
    radius: int


@dataclass(frozen=True, slots=True)
class SectionView:
    """A section with its articles, as a direct rendering walks it."""

    slug: str
    title: str
    articles: tuple[ArticleContent, ...]


def names_everywhere(content: IssueContent, words: Words) -> dict[str, object]:
    """The names that every block knows, slots apart."""
    return {
        **names_of_a_site(content.site, content.theme, content.language, words, content.utm),
        "newsletter": NewsletterView(content.newsletter, one_line(content.title)),
        "issue": IssueView(content.number, content.slot_on, one_line(content.subject), web_address(content.web_url) or "#"),
        "note": None if content.note is None else read_note(content.note),
        "sponsor": None if content.sponsor is None else clean_sponsor(content.sponsor, content.utm),
    }


def names_of_a_site(
    site: SiteContent, theme: ThemeContent | None, language: str, words: Words, utm: Utm = ()
) -> dict[str, object]:
    """The names that the mails of a site know, whatever they are about."""
    rtl = locale_of(language).text_direction == "rtl"
    return {
        **speech(words),
        "site": clean_site(site, utm),
        **_look(site, theme),
        "lang": language,
        "dir": "rtl" if rtl else "ltr",
        "start": "right" if rtl else "left",
        "end": "left" if rtl else "right",
    }


def _look(site: SiteContent, theme: ThemeContent | None) -> dict[str, object]:
    """`theme` and `colours`."""
    if theme is None:
        logo = web_address(site.logo)
        view = ThemeView(logo, None, _fonts(BODY_FONT), _fonts(HEADING_FONT), Theme().radius)
        return {"theme": view, "colours": shades(site.colour)}
    logos = (web_address(theme.logo), web_address(theme.logo_dark))
    view = ThemeView(*logos, _fonts(theme.font), _fonts(theme.heading_font), theme.radius)
    return {"theme": view, "colours": colours_of(theme.light, theme.dark)}


def _fonts(names: str) -> Markup:
    """A list of fonts for style sheets too, where an escaped quote would be none."""
    return Markup(re.sub(r"[^\w ,'-]", "", names))  # noqa: S704  # nothing is left that ends an attribute or a style


def clean_sponsor(sponsor: SponsorContent, utm: Utm = ()) -> SponsorContent:
    """The sponsor with texts on one line and http(s) addresses only, its link marked."""
    image = web_address(sponsor.image)
    return replace(
        sponsor,
        title=one_line(sponsor.title),
        url=mark_link(web_address(sponsor.url) or "#", utm),
        text=one_line(sponsor.text),
        image=image,
        image_alt=(one_line(sponsor.image_alt or "") or one_line(sponsor.title)) if image else None,
    )


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
