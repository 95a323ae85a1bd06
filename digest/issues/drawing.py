"""Drawing: what an issue holds, from the catalogue as it stands, before it is rendered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from digest.audience.had_already import had_by_everybody
from digest.catalogue.article import Article
from digest.issues import pool
from digest.issues.calendar import Slot
from digest.issues.candidates import candidates_of, put_under, with_stories
from digest.issues.editing import Edits
from digest.issues.frozen import Frozen, Lag
from digest.issues.languages import speaks
from digest.issues.outside import CORRECTION
from digest.issues.retelling import retold, sent_before
from digest.issues.rules import rules_of
from digest.issues.selection import Candidate, Reader, Rules, Selection
from digest.issues.selection import select as choose
from digest.issues.wording import sections_in
from digest.rendering.content import (
    AlsoContent,
    ArticleContent,
    IssueContent,
    RewritingContent,
    SenderContent,
    SiteContent,
    ThemeContent,
)
from digest.settings import NewsletterSettings, Settings
from digest.settings.theme import palette_of

_ALSO = 5  # links to other sources beside one article


@dataclass(frozen=True, slots=True)
class Place:
    """Which issue it is that is frozen, up to which arrival number, and what an editor fixed of it; `by_hand`: all that is in. `before`
    is what was frozen of it where its readers are to be taken as they were then."""

    frequency: str
    slot: Slot
    number: int
    cutoff: int
    edits: Edits
    by_hand: bool = False
    before: Frozen | None = None


def draw(
    connection: Connection, settings: Settings, newsletter: NewsletterSettings, place: Place, now: datetime
) -> tuple[Frozen, Selection]:
    """What is frozen of an issue, not rendered yet, and its own selection."""
    if place.frequency == CORRECTION:
        return _text_alone(settings, newsletter, place)
    slug, frequency = newsletter.slug, str(place.frequency)
    floor, lag = _behind(connection, newsletter, frequency, place.before)
    rules = rules_of(newsletter, place.edits, by_hand=place.by_hand)
    fixed = (*rules.pinned, *(article for article, _ in rules.taken_in))
    articles = pool.articles(connection, floor.number, place.cutoff, (*(article for article, _ in lag.owed), *fixed))
    candidates = put_under(candidates_of(connection, newsletter, articles, now), rules.taken_in, rules.topics)
    may_tell = [one for one in _usable(articles, candidates, rules) if one.id not in rules.excluded]
    found = retold(connection, may_tell, floor.number, newsletter.same_story)
    articles += found.before
    candidates = with_stories(candidates + candidates_of(connection, newsletter, found.before, now), found.stories)
    had = sent_before(connection, slug, found.before)
    selection = _select(connection, newsletter, place, candidates, rules, had, lag)
    content = _content(settings, newsletter, place, _usable(articles, candidates, rules), candidates, selection, found.others)
    frozen = Frozen(
        content, rules, candidates, floor.number, floor.bounded, newsletter.template, "", newsletter.timezone, lag=lag
    )
    return frozen, selection


def _behind(
    connection: Connection, newsletter: NewsletterSettings, frequency: str, before: Frozen | None
) -> tuple[pool.Floor, Lag]:
    """How far readers lag behind: now, or as it was frozen. Who came in since waits for the next issue, by the plan."""
    if before is not None and before.lag is not None:
        return pool.Floor(before.floor, before.bounded), before.lag
    slug = newsletter.slug
    owed = tuple(sorted(pool.owed(connection, slug, frequency).items()))
    floor = pool.floor(connection, slug, frequency, newsletter.carry_over)
    return floor, Lag(pool.lowest_coverage(connection, slug, frequency), owed)


def _text_alone(settings: Settings, newsletter: NewsletterSettings, place: Place) -> tuple[Frozen, Selection]:
    """A correction: no article is a candidate, and what it says stands where an editor's note does."""
    nothing = Selection(())
    content = _content(settings, newsletter, place, (), (), nothing, {})
    rules = rules_of(newsletter, replace(place.edits, pinned=(), excluded=()))
    return Frozen(content, rules, (), place.cutoff, True, newsletter.template, "", newsletter.timezone), nothing


def _content(
    settings: Settings,
    newsletter: NewsletterSettings,
    place: Place,
    usable: Iterable[Article],
    candidates: Iterable[Candidate],
    selection: Selection,
    others: Mapping[int, Sequence[int]],
) -> IssueContent:
    usable = list(usable)
    urls = {article.id: article.url for article in usable if article.id not in place.edits.excluded}
    also = {article: tuple(_also_at(one, urls[one]) for one in told if one in urls)[:_ALSO] for article, told in others.items()}
    zone = ZoneInfo(newsletter.timezone)
    found = {candidate.id: candidate.topics for candidate in candidates}
    return IssueContent(
        newsletter=newsletter.slug,
        title=newsletter.title,
        number=place.number,
        slot_on=place.slot.local.date(),
        language=newsletter.language or settings.site.language,
        subject="",
        site=site_of(settings),
        sender=SenderContent(settings.sender.name, settings.sender.address, settings.sender.reply_to),
        sections=sections_in(newsletter, newsletter.language or settings.site.language),
        articles=tuple(
            _said(_article(article, found[article.id], zone, also.get(article.id, ())), place.edits.rewritten)
            for article in _by_priority(usable, selection)
        ),
        utm=_utm(settings, newsletter, place),
        theme=theme_of(settings),
        note=place.edits.note,
        sponsor=place.edits.sponsor,
        own_subject=place.edits.subject,
        own_preheader=place.edits.preheader,
        rewritten=place.edits.rewritten,
        alternatives=place.edits.alternatives,
    )


def _usable(articles: Iterable[Article], candidates: Iterable[Candidate], rules: Rules) -> list[Article]:
    """What somebody may get. What nobody may get is a candidate all the same, so that it can be explained."""
    takes = {one.id for one in candidates if one.topics and (one.id in rules.pinned or speaks(rules.languages, one.language))}
    return [a for a in articles if a.id in takes and a.withdrawn_at is None and a.arrival is not None]


def _select(
    connection: Connection,
    newsletter: NewsletterSettings,
    place: Place,
    candidates: tuple[Candidate, ...],
    rules: Rules,
    had: frozenset[int],
    lag: Lag,
) -> Selection:
    """What somebody gets who follows every topic and has missed nothing; or, where that is too little for an issue, what
    they get who lag furthest behind."""
    topics, owed = frozenset(rules.topics), dict(lag.owed)
    had_already = frozenset(had_by_everybody(connection))
    selections = []
    for coverage in (pool.coverage_point(connection, newsletter.slug, str(place.frequency)), lag.lowest):
        reader = Reader(topics, coverage, owed, had, had_already)
        selections.append(choose(candidates, rules, reader, cutoff=place.cutoff))
        if len(selections[-1].chosen) >= newsletter.min_articles:
            return selections[-1]
    return selections[0]


def _by_priority(articles: Iterable[Article], selection: Selection) -> list[Article]:
    places: Mapping[int, int] = {decision.article: place for place, decision in enumerate(selection.decisions)}
    return sorted(articles, key=lambda article: places[article.id])


def _said(article: ArticleContent, rewritten: Iterable[RewritingContent]) -> ArticleContent:
    """The article in the editor's words and with the editor's picture, where there are some."""
    own = next((one for one in rewritten if one.article == article.id), None)
    if own is None:
        return article
    said = replace(article, title=own.title or article.title, summary=own.summary or article.summary)
    alt = own.image_alt or (None if own.image else article.image_alt)
    return replace(said, image=own.image or article.image, image_alt=alt)


def _article(article: Article, topics: tuple[str, ...], zone: ZoneInfo, also: tuple[AlsoContent, ...]) -> ArticleContent:
    return ArticleContent(
        id=article.id,
        title=article.title,
        url=article.url,
        summary=article.summary,
        author=article.author,
        image=article.image,
        image_alt=article.image_alt,
        reading_minutes=article.reading_minutes,
        published_on=None if article.published_at is None else article.published_at.astimezone(zone).date(),
        language=article.language,
        featured=article.featured,
        topics=topics,
        also=also,
    )


def _also_at(article: int, url: str) -> AlsoContent:
    """A link to where an article stands too, called by its host."""
    host = urlsplit(url).hostname or url
    return AlsoContent(article, url, host.removeprefix("www."))


def _utm(settings: Settings, newsletter: NewsletterSettings, place: Place) -> tuple[tuple[str, str], ...]:
    utm = (newsletter.links or settings.links).utm
    if utm is None:
        return ()
    return utm.filled(newsletter=newsletter.slug, number=place.number, date=place.slot.local.date())


def site_of(settings: Settings) -> SiteContent:
    """The publisher as configured."""
    site = settings.site
    return SiteContent(site.name, site.url, site.public_url, site.postal_address, site.logo, site.colour)


def theme_of(settings: Settings) -> ThemeContent:
    """The look of mails as configured."""
    theme, colour = settings.theme, settings.site.colour
    return ThemeContent(
        logo=theme.logo or settings.site.logo,
        logo_dark=theme.logo_dark,
        font=theme.font,
        heading_font=theme.heading_font,
        radius=theme.radius,
        light=palette_of(theme.light, colour),
        dark=palette_of(theme.dark, colour),
    )
