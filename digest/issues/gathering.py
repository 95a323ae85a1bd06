"""Gathering: the tags by which topics gather articles, and whether one of them is missed since the last freeze."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlalchemy import Connection, delete, insert, select

from digest.settings import NewsletterSettings
from digest.settings.tag_rules import rule_of
from digest.store import tables

_row = tables.topic_tags.c


def remember_tags(connection: Connection, newsletter: NewsletterSettings) -> None:
    """Write down by which tags the topics gather now; called by the freeze."""
    tags = {topic: list(gathered) for topic, gathered in _tags(newsletter).items()}
    if tags == _remembered(connection, newsletter.slug):
        return
    connection.execute(delete(tables.topic_tags).where(_row.newsletter == newsletter.slug))
    rows = [{"newsletter": newsletter.slug, "topic": topic, "tags": gathered} for topic, gathered in tags.items()]
    connection.execute(insert(tables.topic_tags), rows)


def missed_tags(connection: Connection, newsletter: NewsletterSettings, followers: Mapping[str, int]) -> Iterator[str]:
    """The tags that a followed topic gathers no more and does not name as retired, a line each."""
    now = _tags(newsletter)
    for topic, before in sorted(_remembered(connection, newsletter.slug).items()):
        many = followers.get(topic, 0)
        if topic not in newsletter.offered or not many:
            continue
        known = {tag.casefold() for tag in (*now[topic], *newsletter.topics[topic].retired_tags)}
        for tag in before:
            if tag.casefold() not in known:
                yield (
                    f"newsletters.{newsletter.slug}.topics.{topic}.tags: tag {tag!r} is gone and {many:,}"
                    f" subscriber{' follows' if many == 1 else 's follow'} the topic; put it back beside its new name,"
                    f' or write retired_tags = ["{tag}"]'
                )


def _tags(newsletter: NewsletterSettings) -> dict[str, tuple[str, ...]]:
    """What each offered topic gathers: its own tags, and those of the topics that moved to it; of a rule, the tags that it
    does not exclude."""
    gathered = {slug: list(rule_of(topic.tags).gathered()) for slug, topic in newsletter.offered.items()}
    for topic in newsletter.topics.values():
        if topic.moved_to is not None:
            gathered[topic.moved_to] += rule_of(topic.tags).gathered()
    return {slug: tuple(dict.fromkeys(tags)) for slug, tags in gathered.items()}


def _remembered(connection: Connection, newsletter: str) -> dict[str, list[str]]:
    rows = connection.execute(select(_row.topic, _row.tags).where(_row.newsletter == newsletter))
    return {topic: list(tags) for topic, tags in rows}
