"""Stories: articles of different sources that tell the same, known by nearly the same title at about the same time. Pure.

Two titles are nearly the same when four in five of their words, taken together, are in both, and all their numbers are.
Titles of fewer than three words tell too little. The cost is bounded: an article is compared with a few of those that
share one of its rarest words, and with none that is too far away in time.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

FEWEST_WORDS = 3
COMPARED = 32  # the latest stories that share a word are looked at, and no more

_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Told:
    """What is needed of an article; `at` is when it was published, or else first seen."""

    id: int
    source: str
    title: str
    at: datetime


@dataclass(slots=True)
class _Story:
    """The article that began it, and the sources that tell it."""

    id: int
    at: datetime
    words: frozenset[str]
    sources: set[str] = field(default_factory=set)
    articles: list[int] = field(default_factory=list)


def find_stories(told: Iterable[Told], within: timedelta) -> dict[int, int]:
    """The articles that are not the only one of their story, each with the id of the one that began it."""
    ordered = sorted(told, key=lambda one: (one.at, one.id))
    if not within or len({one.source for one in ordered}) < 2:
        return {}
    titles = [words_of(one.title) for one in ordered]
    known = Counter(word for words in titles for word in words)
    by_word: defaultdict[str, deque[_Story]] = defaultdict(lambda: deque(maxlen=COMPARED))
    stories: list[_Story] = []
    for one, words in zip(ordered, titles, strict=True):
        if len(words) < FEWEST_WORDS:
            continue
        rare = _rarest(words, known)
        story = _told_before(one, words, rare, by_word, within)
        if story is None:
            story = _Story(one.id, one.at, words)
            stories.append(story)
            for word in rare:
                by_word[word].append(story)
        story.sources.add(one.source)
        story.articles.append(one.id)
    return {article: story.id for story in stories if len(story.articles) > 1 for article in story.articles}


def words_of(title: str) -> frozenset[str]:
    """The words of a title, whatever their case, order, accents and punctuation."""
    plain = title.casefold()
    if not plain.isascii():
        plain = "".join(letter for letter in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(letter))
    return frozenset(_WORD.findall(plain))


def alike(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two titles are nearly the same."""
    both = len(one & other)
    return 5 * both >= 4 * (len(one) + len(other) - both) and not any(_NUMBER.search(word) for word in one ^ other)


def _rarest(words: frozenset[str], known: Counter[str]) -> Sequence[str]:
    """So many that two titles that are nearly the same have one of these in common."""
    many = len(words) - (4 * len(words) + 4) // 5 + 1
    return sorted(words, key=lambda word: (known[word], word))[:many]


def _told_before(
    one: Told, words: frozenset[str], rare: Sequence[str], by_word: dict[str, deque[_Story]], within: timedelta
) -> _Story | None:
    """The latest story that it tells once more, for another source."""
    since = one.at - within
    best: _Story | None = None
    for word in rare:
        for story in reversed(by_word.get(word, ())):
            if story.at < since:
                break
            later = best is None or (story.at, story.id) > (best.at, best.id)
            if later and one.source not in story.sources and alike(words, story.words):
                best = story
    return best
