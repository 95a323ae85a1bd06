"""Topics: which of a newsletter's an article belongs to, and which have had nothing for a while."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import Connection

from digest.catalogue.articles import window
from digest.issues.issue import Issue, list_issues
from digest.issues.languages import speaks
from digest.settings import NewsletterSettings
from digest.settings.tag_rules import Rule, rule_of

SILENT_FOR = 4  # issues


@dataclass(slots=True)
class Sorter:
    """Sorts articles into a newsletter's topics by their tags; articles with the same tags are sorted once."""

    newsletter: NewsletterSettings
    _known: dict[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)
    _gathered: dict[str, Rule] = field(default_factory=dict)

    def __post_init__(self) -> None:
        current = {slug: topic for slug, topic in self.newsletter.topics.items() if not topic.retired}
        self._gathered = {slug: rule_of(topic.tags) for slug, topic in current.items()}

    def topics_of(self, tags: Iterable[str]) -> tuple[str, ...]:
        """The topics of an article with these tags, in the newsletter's order.

        What a moved topic gathered belongs to the one that took its place.
        """
        key = tuple(tags)
        if key not in self._known:
            self._known[key] = self._sort(frozenset(tag.casefold() for tag in key))
        return self._known[key]

    def _sort(self, tags: frozenset[str]) -> tuple[str, ...]:
        topics = self.newsletter.topics
        found = {topics[slug].moved_to or slug for slug, rule in self._gathered.items() if rule.matches(tags)}
        return tuple(slug for slug in topics if slug in found)


def silent_topics(connection: Connection, newsletter: NewsletterSettings, issue: Issue) -> tuple[str, ...]:
    """The topics for which nothing arrived in the windows of an issue and of the ones before it, `SILENT_FOR` in all.

    None while the frequency has had fewer issues: a new newsletter has no silence to speak of.
    """
    if issue.outside:
        return ()
    before = [
        one for one in list_issues(connection, issue.newsletter) if one.frequency == issue.frequency and one.number < issue.number
    ]
    if len(before) < SILENT_FOR:
        return ()
    since, sorter = sorted(before, key=lambda one: one.number)[-SILENT_FOR].cutoff, Sorter(newsletter)
    heard = {
        topic
        for article in window(connection, since, issue.cutoff)
        if speaks(newsletter.languages, article.language)
        for topic in sorter.topics_of(article.tags)
    }
    return tuple(topic for topic in newsletter.offered if topic not in heard)
