"""The showroom: issues to look at templates with, ordinary ones in many languages and such as strain a template."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from digest.rendering.content import (
    AlsoContent,
    Arrangement,
    ArticleContent,
    IssueContent,
    NoteContent,
    SectionContent,
    SenderContent,
    SiteContent,
    SponsorContent,
    ThemeContent,
)

TRANSPARENT = "https://pictures.backend.example/transparent.svg"
"""The address of a picture without a ground of its own."""
LINKS = "https://news.backend.example"

_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
_SITE = SiteContent(
    name="Backend Notes",
    url="https://backend.example",
    public_url=LINKS,
    postal_address="Backend Notes\n12 Harbour Street\n20457 Hamburg\nGermany",
    logo=None,
    colour="#0b6e6e",
)


@dataclass(frozen=True, slots=True)
class Scene:
    """An issue to be looked at: `shows` says what with, `pictures` whether they load."""

    slug: str
    shows: str
    content: IssueContent
    pictures: bool = True

    @property
    def arrangement(self) -> Arrangement:
        """Every article, the first in front, the others in turn under the sections there are."""
        first, *rest = (article.id for article in self.content.articles)
        slugs = [section.slug for section in self.content.sections]
        shares = ((slug, tuple(rest[place :: len(slugs)])) for place, slug in enumerate(slugs))
        return Arrangement(first, tuple(share for share in shares if share[1]))


def scenes(site: SiteContent | None = None, theme: ThemeContent | None = None) -> Iterator[Scene]:
    """All of them, as this site with this theme would send them."""
    for language in _languages():
        yield Scene(language["tag"], f"an ordinary issue, {language['tag']}", _issue(language, site or _SITE, theme))
    english = _issue(_languages()[0], site or _SITE, theme)
    yield from _extremes(replace(english, note=None, sponsor=None))


def _extremes(plain: IssueContent) -> Iterator[Scene]:
    first, *rest = plain.articles
    yield Scene("one", "one article", replace(plain, articles=(first,)))
    yield Scene("fifty", "fifty articles", replace(plain, articles=tuple(_repeated(plain.articles, 50))))
    bare = (replace(one, image=None) for one in plain.articles)
    yield Scene("no-pictures", "no picture", replace(plain, articles=tuple(bare)))
    yield Scene("pictures-off", "pictures are not loaded", plain, pictures=False)
    yield Scene("long", "titles of any length", replace(plain, title=f"The {_WORD} Gazette", articles=tuple(_long(plain))))
    yield Scene("mixed", "an English issue of articles in other languages", replace(plain, articles=(first, *_mixed())))
    drawn = (replace(one, image=TRANSPARENT) for one in plain.articles)
    yield Scene("transparent", "pictures without a ground", replace(plain, articles=tuple(drawn)))
    also = (AlsoContent(90, "https://one.example/a", "one.example"), AlsoContent(91, "https://two.example/b", "two.example"))
    yield Scene(
        "told-twice",
        "stories that stand elsewhere too",
        replace(plain, articles=(replace(first, also=also), *(replace(one, also=also[:1]) for one in rest))),
    )


def _repeated(articles: tuple[ArticleContent, ...], many: int) -> Iterator[ArticleContent]:
    for number in range(1, many + 1):
        yield replace(articles[(number - 1) % len(articles)], id=number, url=f"https://backend.example/{number}")


def _long(plain: IssueContent) -> Iterator[ArticleContent]:
    first, second, third, fourth, fifth = plain.articles
    yield replace(first, title=f"{first.title} {second.title} {third.title} {fourth.title} {fifth.title}", author=_WORD)
    yield replace(second, title=_WORD * 2, summary=f"https://backend.example/{_WORD.lower()}?{'x' * 90}")
    yield replace(third, title="Go", summary="")
    yield replace(fourth, title="🚒🔥 👩‍👩‍👧‍👦 🇺🇳 ⚠️", summary="👍🏽 " * 40)
    yield replace(fifth, summary=f"{fifth.summary} " * 12, reading_minutes=1234)


def _mixed() -> Iterator[ArticleContent]:
    for number, language in enumerate(_languages()[5:], 2):
        yield _article(number, language["articles"][number % 5], language["tag"])
    yield _article(
        19, ["Wie man die ٣ (drei) Regeln von 日本 liest: עברית, English, فارسی", "Alles in einer Zeile, ok?", "Ana 阿娜"], "de"
    )


@cache
def _languages() -> list[dict[str, Any]]:
    read = tomllib.loads(files("digest.rendering").joinpath("showroom.toml").read_text("utf-8"))
    found: list[dict[str, Any]] = read["language"]
    return found


def _issue(language: Mapping[str, Any], site: SiteContent, theme: ThemeContent | None) -> IssueContent:
    title, text = language["sponsor"]
    return IssueContent(
        newsletter="weekly",
        title=language["title"],
        number=12,
        slot_on=date(2026, 11, 23),
        language=language["tag"],
        subject=f"{language['title']} #12",
        site=site,
        sender=SenderContent(site.name, "weekly@news.backend.example", None),
        sections=tuple(SectionContent(f"s{place}", name) for place, name in enumerate(language["sections"])),
        articles=tuple(_article(number, one, language["tag"]) for number, one in enumerate(language["articles"], 1)),
        theme=theme,
        note=NoteContent(language["note"].strip()),
        sponsor=SponsorContent(title, "https://harbour.example/fridays", text),
    )


def _article(number: int, told: list[str], language: str) -> ArticleContent:
    title, summary, author = told
    return ArticleContent(
        id=number,
        title=title,
        url=f"https://backend.example/{number}",
        summary=summary,
        author=author or None,
        image=None if number == 3 else f"https://pictures.backend.example/{number}.jpg",
        image_alt=None,
        reading_minutes=3 + number % 7,
        published_on=date(2026, 11, 20),
        language=language,
        featured=number == 1,
        topics=("s0",),
    )
