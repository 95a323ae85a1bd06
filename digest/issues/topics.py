"""Topics: which of a newsletter's an article belongs to, and which have had nothing for a while."""

from __future__ import annotations

from sqlalchemy import Connection

from digest.catalogue.article import Article
from digest.catalogue.articles import window
from digest.issues.issue import Issue, list_issues
from digest.settings import NewsletterSettings

SILENT_FOR = 4  # issues


def topics_of(article: Article, newsletter: NewsletterSettings) -> tuple[str, ...]:
    """The newsletter's topics that the article belongs to by its tags, in the newsletter's order.

    What a moved topic gathered belongs to the one that took its place.
    """
    tags = frozenset(tag.casefold() for tag in article.tags)
    found = {
        topic.moved_to or slug
        for slug, topic in newsletter.topics.items()
        if not topic.retired and any(tag.casefold() in tags for tag in topic.tags)
    }
    return tuple(slug for slug in newsletter.topics if slug in found)


def silent_topics(connection: Connection, newsletter: NewsletterSettings, issue: Issue) -> tuple[str, ...]:
    """The topics for which nothing arrived in the windows of an issue and of the ones before it, `SILENT_FOR` in all.

    None while the frequency has had fewer issues: a new newsletter has no silence to speak of.
    """
    before = [
        one for one in list_issues(connection, issue.newsletter) if one.frequency == issue.frequency and one.number < issue.number
    ]
    if len(before) < SILENT_FOR:
        return ()
    since = sorted(before, key=lambda one: one.number)[-SILENT_FOR].cutoff
    heard = {topic for article in window(connection, since, issue.cutoff) for topic in topics_of(article, newsletter)}
    return tuple(topic for topic in newsletter.offered if topic not in heard)
