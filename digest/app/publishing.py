"""Publishing: issues that were sent, for everybody to read on the web: the widest rendition, and nothing of any reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup
from sqlalchemy import Connection, select

from digest.app.wiring import App
from digest.audience.dialects import among
from digest.delivery.shelf import Shelf, widest_arrangement
from digest.issues.arranging import without
from digest.issues.issue import Issue, frozen_of, list_issues
from digest.issues.lifecycle import IssueState
from digest.languages import read_catalogues, words_in
from digest.rendering.assemble import fill, preheader_of
from digest.rendering.cleaning import one_line
from digest.rendering.content import Arrangement, ArticleContent, Personal
from digest.rendering.context import clean_article
from digest.settings import NewsletterSettings
from digest.store import tables


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
        if not articles:
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
    found = (issue for issue in list_issues(connection, one.newsletter) if issue.number == one.number)
    return next((issue for issue in found if issue.state is IssueState.SENT and issue.rendered), None)


def _shown(connection: Connection, issue: Issue) -> tuple[Arrangement, list[ArticleContent]]:
    """What stands where, and the articles in their order, less what was withdrawn by now: before the issue was sent, or after."""
    frozen = frozen_of(connection, issue)
    row = tables.article.c
    chosen = widest_arrangement(connection, issue)
    gone = connection.execute(select(row.id).where(among(connection, row.id, chosen.articles), row.withdrawn_at.is_not(None)))
    left = without(chosen, frozenset(gone.scalars()), frozen)
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
