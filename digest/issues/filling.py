"""Filling: the limits of one mail, and whose turn it is where topics take turns."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from digest.issues.ordering import rank

if TYPE_CHECKING:
    from digest.issues.selection import Candidate, Qualified, Rules


@dataclass(slots=True)
class Room:
    """What is taken of the room that a mail has."""

    rules: Rules
    taken: int = 0
    topics: Counter[str] = field(default_factory=Counter)
    authors: Counter[str] = field(default_factory=Counter)

    @property
    def full(self) -> bool:
        """Whether nothing more goes in."""
        return self.taken >= self.rules.max_articles

    def full_of(self, topic: str) -> bool:
        """Whether nothing more of a topic goes in."""
        return self.full or self.topics[topic] >= self.rules.max_per_topic

    def enough_of(self, author: str | None) -> bool:
        """Whether there are as many of an author's as there may be; one whose author is not known counts for nobody."""
        most = self.rules.max_per_author
        return most is not None and author is not None and self.authors[author.casefold()] >= most

    def take(self, candidate: Candidate, topic: str) -> None:
        """One article more."""
        self.taken += 1
        self.topics[topic] += 1
        if candidate.author is not None:
            self.authors[candidate.author.casefold()] += 1


def in_turns(ordered: Iterable[Qualified], room: Room) -> Iterator[Qualified]:
    """Pinned as they stand; then of the owed, and then of the new ones, always the first of the topic that has least in the
    mail so far. Whoever takes one puts it into `room` before asking for the next."""
    places = {topic: place for place, topic in enumerate(room.rules.topics)}
    for which, group in groupby(ordered, key=lambda item: rank(item[1])):
        if which == 0:
            yield from group
            continue
        queues: defaultdict[str, deque[Qualified]] = defaultdict(deque)
        for item in group:
            queues[item[2]].append(item)
        yield from _turns(queues, places, room)


def _turns(queues: dict[str, deque[Qualified]], places: dict[str, int], room: Room) -> Iterator[Qualified]:
    waiting = [(room.topics[topic], places[topic], topic) for topic in queues]
    heapq.heapify(waiting)
    while waiting:
        _, place, topic = heapq.heappop(waiting)
        yield queues[topic].popleft()
        if queues[topic]:
            heapq.heappush(waiting, (room.topics[topic], place, topic))
