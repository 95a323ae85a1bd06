"""Publishing: issues that were sent, for everybody to read on the web: the widest rendition, and nothing of any reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup
from sqlalchemy import Connection, Select, func, select

from digest.app.wiring import App
from digest.delivery.shelf import Shelf, widest_arrangement
from digest.delivery.welcoming import withdrawn_among
from digest.issues.arranging import without
from digest.issues.issue import Issue, find_issue, frozen_of, list_issues
from digest.issues.lifecycle import IssueState
from digest.languages import read_catalogues, words_in
from digest.rendering.assemble import fill, preheader_of
from digest.rendering.cleaning import one_line
from digest.rendering.content import Arrangement, ArticleContent, Personal
from digest.rendering.context import clean_article
from digest.settings import NewsletterSettings
from digest.store import tables

IN_THE_FEED = 20
"""So many issues stand in a feed."""

_row = tables.issue.c


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a page is made of, in a few words, and when that changed last: with the same stamp it is the same page."""

    words: tuple[object, ...]
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Published:
    """One issue as lists show it. `at` is when it had been sent."""

    newsletter: str
    number: int
    subject: str
    at: datetime

    @property
    def path(self) -> str:
        """Where it is read."""
        return f"/archive/{self.newsletter}/{self.number}"


@dataclass(frozen=True, slots=True)
class Page:
    """An issue's whole page."""

    html: str
    language: str


def newsletters(app: App) -> tuple[NewsletterSettings, ...]:
    """Those with an archive: the current ones, in their order; none where it is switched off."""
    return app.newsletters(None) if app.settings.pages.archive else ()


def published(app: App, slug: str | None = None) -> list[Published]:
    """Every issue that was sent, of one newsletter or of all that have an archive, the newest first."""
    slugs = {one.slug for one in newsletters(app)}
    with app.store.reading() as connection:
        issues = list_issues(connection, slug)
    return [
        Published(issue.newsletter, issue.number, one_line(issue.subject), issue.finished_at or issue.frozen_at)
        for issue in issues
        if issue.state is IssueState.SENT and issue.rendered and issue.newsletter in slugs
    ]


def find(app: App, slug: str, number: str) -> Published | None:
    """One issue that was sent, by its number as it stands in its address."""
    if not (number.isascii() and number.isdigit()) or number != str(int(number[:9])):
        return None
    with app.store.reading() as connection:
        columns = (_row.number, _row.subject, _row.finished_at, _row.frozen_at)
        found = connection.execute(_sent(slug).with_only_columns(*columns).where(_row.number == int(number))).one_or_none()
    return None if found is None else Published(slug, found.number, one_line(found.subject), found.finished_at or found.frozen_at)


def stamp_of_list(app: App, slug: str | None = None) -> Stamp:
    """Of a list of issues: they are only ever added to."""
    with app.store.reading() as connection:
        columns = (func.count(), func.max(_row.id), func.max(_row.finished_at))
        many, last, at = connection.execute(_sent(slug).with_only_columns(*columns)).one()
    return Stamp((many, last), at)


def stamp_of_issue(app: App, one: Published) -> Stamp:
    """Of an issue's page: it changes when an article of it is withdrawn."""
    with app.store.reading() as connection:
        mine = _sent(one.newsletter).where(_row.number == one.number)
        content = connection.execute(mine.with_only_columns(_row.content_hash)).scalar()
        many, at = _withdrawn(connection, mine.with_only_columns(_row.id))
    return Stamp((content, many, at), max(one.at, at or one.at))


def stamp_of_feed(app: App, slug: str) -> Stamp:
    """Of a feed, which tells of the articles of some issues."""
    listed = stamp_of_list(app, slug)
    with app.store.reading() as connection:
        newest = _sent(slug).with_only_columns(_row.id).order_by(_row.frozen_at.desc(), _row.id.desc()).limit(IN_THE_FEED)
        many, at = _withdrawn(connection, newest)
    return Stamp((*listed.words, many, at), max((one for one in (listed.at, at) if one is not None), default=None))


def _sent(slug: str | None) -> Select[Any]:
    """The issues that everybody may read, of one newsletter or of all."""
    query = select(_row.id).where(_row.state == IssueState.SENT.value, _row.content_hash != "")
    return query if slug is None else query.where(_row.newsletter == slug)


def _withdrawn(connection: Connection, issues: Select[Any]) -> tuple[int, datetime | None]:
    """How many articles of some issues were withdrawn, and when the last one was."""
    held, article = tables.decision.c, tables.article.c
    joined = tables.decision.join(tables.article, article.id == held.article_id)
    query = select(func.count(), func.max(article.withdrawn_at)).select_from(joined)
    many, at = connection.execute(query.where(held.issue_id.in_(issues), article.withdrawn_at.is_not(None))).one()
    return many, at


def titles(app: App, one: Published) -> list[str]:
    """The titles of an issue's articles, in their order; none where all of them were withdrawn."""
    with app.store.reading() as connection:
        issue = _issue(connection, one)
        return [] if issue is None else [article.title for article in _shown(connection, issue)[1]]


def read(app: App, one: Published) -> Page | None:
    """The issue as a page; None when nothing of it remains."""
    with app.store.reading() as connection:
        issue = _issue(connection, one)
        if issue is None:
            return None
        arrangement, articles = _shown(connection, issue)
        if not articles and not issue.is_correction:
            return None
        rendition = Shelf(connection, issue).assemble(arrangement, 0, whole=True)
    translate = words_in(rendition.language, read_catalogues(app.template_folders)).translate
    at = app.settings.site.public_url
    subscribe = f"{at}/subscribe?newsletter={one.newsletter}"
    # Templates write a topic's slug behind the second one.
    everybody = Personal(rendition.greeting.to(None), translate("everybody"), subscribe, f"{subscribe}&to=")
    html, _ = fill(rendition, everybody)
    named = {
        "og:type": "article",
        "og:title": rendition.subject,
        "og:description": preheader_of([article.title for article in articles]),
        "og:url": f"{at}{one.path}",
        "og:site_name": app.settings.site.name,
    }
    picture = next((article.image for article in articles if article.image), None)
    head = _head(named | ({"og:image": picture} if picture else {}), f"{at}/archive/{one.newsletter}/feed.xml")
    return Page(html.replace("</head>", f"{head}</head>", 1), rendition.language)


def _issue(connection: Connection, one: Published) -> Issue | None:
    found = find_issue(connection, f"{one.newsletter}/{one.number}")
    return found if found.state is IssueState.SENT and found.rendered else None


def _shown(connection: Connection, issue: Issue) -> tuple[Arrangement, list[ArticleContent]]:
    """What stands where, and the articles in their order, less what was withdrawn by now: before the issue was sent, or after."""
    frozen = frozen_of(connection, issue)
    chosen = widest_arrangement(connection, issue)
    left = without(chosen, withdrawn_among(connection, chosen.articles), frozen)
    known = {article.id: clean_article(article) for article in frozen.content.articles}
    return left, [known[article] for article in left.articles]


def _head(named: Mapping[str, str], feed: str) -> Markup:
    """Open Graph, and where the page and its feed are."""
    tags = [Markup('<meta property="{}" content="{}">').format(name, value) for name, value in named.items()]
    tags += [
        Markup('<meta name="description" content="{}">').format(named["og:description"]),
        Markup('<link rel="canonical" href="{}">').format(named["og:url"]),
        Markup('<link rel="alternate" type="application/atom+xml" href="{}">').format(feed),
    ]
    return Markup("\n").join([*tags, ""])
