"""Composing: what a group of subscriptions that are alike gets of an issue, and what it is owed with and without it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from digest.delivery import had
from digest.issues.arranging import arrange
from digest.issues.frozen import Frozen
from digest.issues.issue import Issue
from digest.issues.owed import format_owed, older, parse_owed
from digest.issues.selection import Reader, Reason, Selection
from digest.issues.selection import select as choose
from digest.rendering.content import Arrangement

_HAD = (Reason.ALREADY_SENT, Reason.SAME_STORY)


class Group(NamedTuple):
    """Subscriptions that are alike for one issue; `had` names renditions of other issues that they were sent, and articles that
    they had already from elsewhere."""

    topics: str
    coverage: int
    owed: str
    had: str
    language: str


@dataclass(frozen=True, slots=True)
class Composed:
    """What a group gets: an arrangement, or None for nothing; and what it is owed with and without it."""

    arrangement: Arrangement | None
    owed_after: str
    owed_if_unsent: str


@dataclass(slots=True)
class Composer:
    """Runs selection for groups of one issue, once for each distinct reader.

    `withdrawn` is left out, and owed to nobody; so is what everybody `had_already`.
    """

    issue: Issue
    frozen: Frozen
    articles_had: Mapping[tuple[int, int], frozenset[int]]
    withdrawn: Collection[int] = ()
    had_already: Collection[int] = ()
    _known: dict[tuple[object, ...], Composed] = field(default_factory=dict)
    _full: dict[tuple[int, str], frozenset[str]] = field(default_factory=dict)
    _ids: frozenset[int] = field(init=False)

    def __post_init__(self) -> None:
        self._ids = frozenset(candidate.id for candidate in self.frozen.candidates)

    def compose(self, group: Group) -> Composed:
        """What a group of this issue gets."""
        pending = self._articles_had(had.parse(group.had, (had.PENDING, had.ELSEWHERE))) & frozenset(parse_owed(group.owed))
        elsewhere = self._articles_had(had.parse(group.had, (had.ELSEWHERE,))) & self._window(group.coverage)
        return self.compose_for(self.reader(self.topics(group), group), pending | elsewhere)

    def topics(self, group: Group) -> frozenset[str]:
        """What a group follows, of what the newsletter offers."""
        every = frozenset(self.frozen.rules.topics)
        return every if group.topics == "*" else every & frozenset(group.topics.split())

    def reader(self, topics: frozenset[str], group: Group) -> Reader:
        """The reader that stands for a group."""
        sent = self._articles_had(had.parse(group.had))
        already = had.parse_already(group.had).union(self.had_already)
        return Reader(topics, group.coverage, parse_owed(group.owed), sent & self._ids, already & self._ids)

    def compose_for(self, reader: Reader, pending: frozenset[int] = frozenset()) -> Composed:
        """What such a reader gets; topics that have nothing for them do not count.

        `pending` are articles that stand in a mail of another issue which may yet be given back: those they are owed, and new
        ones that would be given back to another newsletter's subscription, which they may have left by then.
        """
        owed = format_owed(reader.owed)
        topics = reader.topics & self._topics_with_something(reader, owed)
        words = " ".join(sorted(topics))  # of thousands of groups, less than their sets take
        key = (words, reader.coverage, owed, reader.had, reader.had_already, pending)
        if key not in self._known:
            self._known[key] = self._select(replace(reader, topics=topics), pending)
        return self._known[key]

    def _topics_with_something(self, reader: Reader, owed: str) -> frozenset[str]:
        key = (reader.coverage, owed)
        if key not in self._full:
            self._full[key] = topics_with_something(self.frozen, reader, self.issue.cutoff)
        return self._full[key]

    def _select(self, reader: Reader, pending: frozenset[int]) -> Composed:
        issue = self.issue
        approved = choose(self.frozen.candidates, self.frozen.rules, reader, cutoff=issue.cutoff)
        selection = Selection(tuple(one for one in approved.decisions if one.article not in self.withdrawn))
        chosen = [decision.article for decision in selection.chosen]
        # What came to be owed since the freeze is no candidate of this issue, or had not arrived; it waits for the next. What
        # is under way with another issue stays owed, or comes to be: should that be given back, nothing else would tell of it.
        under_way = {
            one.article: 0
            for one in selection.decisions
            if one.reason in _HAD and one.topic is not None and approved.instead.get(one.article, one.article) in pending
        }
        decided = {one.article for one in selection.decisions if one.reason is not Reason.NOT_YET_PUBLISHED}
        gone = (decided - under_way.keys()).union(self.withdrawn)
        untouched = {article: age for article, age in (under_way | dict(reader.owed)).items() if article not in gone}
        retold = {article: told for article, told in approved.instead.items() if article not in self.withdrawn}
        instead_of_withdrawn = [article for article, told in retold.items() if told in self.withdrawn]
        over = untouched | older(reader.owed, [*selection.over_the_limit, *instead_of_withdrawn])
        # Should none of it reach them, the story may come to them by any of its articles.
        unsent = over | older(reader.owed, [*chosen, *(article for article, told in retold.items() if told in chosen)])
        arrangement = arrange(selection, self.frozen) if chosen else None
        return Composed(arrangement, format_owed(over), format_owed(unsent))

    def _articles_had(self, renditions: Iterable[tuple[int, int]]) -> frozenset[int]:
        return frozenset().union(*(self.articles_had.get(key, frozenset()) for key in renditions))

    def _window(self, coverage: int) -> frozenset[int]:
        arrived = ((candidate.id, candidate.arrival or 0) for candidate in self.frozen.candidates)
        return frozenset(article for article, arrival in arrived if coverage < arrival <= self.issue.cutoff)


def topics_with_something(frozen: Frozen, reader: Reader, cutoff: int) -> frozenset[str]:
    """The topics under which at least one article could reach this reader."""
    return frozenset(
        topic
        for candidate in frozen.candidates
        if candidate.id in reader.owed
        or candidate.id in frozen.rules.pinned
        or reader.coverage < (candidate.arrival or 0) <= cutoff
        for topic in candidate.topics
    )
