"""Selection: which articles of the catalogue make a subscriber's mail, and by which rule each one does or does not.

A pure function of frozen data. The same function makes the issue's own selection (all topics, the frequency's
coverage point) and that of every rendition (someone's topics, coverage point, owed and had articles).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from operator import attrgetter

from digest.issues.filling import Room, in_turns
from digest.issues.languages import speaks
from digest.issues.ordering import in_order
from digest.settings import Order


class Reason(StrEnum):
    """By which rule a candidate was chosen, or was not."""

    PINNED = "pinned"
    CARRIED_OVER = "carried_over"
    FEATURED = "featured"
    NEW = "new"

    OVER_THE_LIMIT = "over_the_limit"
    OVER_THE_AUTHOR_LIMIT = "over_the_author_limit"
    EXPIRED = "expired"
    TOO_OLD = "too_old"
    OTHER_LANGUAGE = "other_language"
    NOT_YET_PUBLISHED = "not_yet_published"
    EXCLUDED = "excluded"
    WITHDRAWN = "withdrawn"
    ALREADY_COVERED = "already_covered"
    ALREADY_SENT = "already_sent"
    HAD_ALREADY = "had_already"
    SAME_STORY = "same_story"
    NO_TOPIC = "no_topic"


CHOSEN = (
    Reason.PINNED,
    Reason.CARRIED_OVER,
    Reason.FEATURED,
    Reason.NEW,
)  # no set: an enum's hash takes longer than four comparisons
OVER = (Reason.OVER_THE_LIMIT, Reason.OVER_THE_AUTHOR_LIMIT)
"""Why an article that qualified is owed."""
HAD = (Reason.ALREADY_SENT, Reason.HAD_ALREADY)
"""Why an article is as good as theirs."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What selection needs to know of an article. `topics` are those of the newsletter it belongs to, in the newsletter's
    order; `clicks` and `popularity` have decayed by their age already. `story` is what it shares with articles of other
    sources that tell the same; None when there are none.
    """

    id: int
    arrival: int | None
    topics: tuple[str, ...]
    published_at: datetime | None
    featured: bool = False
    seeded_at: datetime | None = None
    withdrawn: bool = False
    clicks: float = 0.0
    popularity: float = 0.0
    language: str | None = None
    author: str | None = None
    story: int | None = None


Qualified = tuple[Candidate, Reason, str]
"""A candidate that may be in, by which rule, and under which topic."""


@dataclass(frozen=True, slots=True)
class Rules:
    """A newsletter's rules, frozen with the issue. `pinned` is in the editor's order; `lookback` bounds seeds alone; `by_hand`: only
    what is pinned may be in.

    `taken_in` are articles that an editor put under a topic by hand; the candidates stand under it already.
    """

    topics: tuple[str, ...]
    max_articles: int
    max_per_topic: int
    carry_over: int
    lookback: timedelta | None = None
    pinned: tuple[int, ...] = ()
    excluded: tuple[int, ...] = ()
    order: Order = Order.FEATURED
    languages: tuple[str, ...] = ()
    max_per_author: int | None = None
    topics_take_turns: bool = False
    taken_in: tuple[tuple[int, str], ...] = ()
    by_hand: bool = False


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom to select: what they follow, how far they have been considered, what they are owed and have had.

    `had` is what we have sent them, `had_already` what they have from elsewhere, by a person's word. `owed` maps an article to how many issues they have waited for it. The window is `(coverage, cutoff]`.
    """

    topics: frozenset[str]
    coverage: int
    owed: Mapping[int, int]
    had: frozenset[int] = frozenset()
    had_already: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of one candidate: chosen or not, by which rule, and under which topic."""

    article: int
    reason: Reason
    topic: str | None = None

    @property
    def chosen(self) -> bool:
        """Whether the article is in."""
        return self.reason in CHOSEN


@dataclass(frozen=True, slots=True)
class Selection:
    """A decision for every candidate: the chosen ones first, in the order of priority, then the rest by id.

    `instead` names, for each that tells the same story as another one, which one that is.
    """

    decisions: tuple[Decision, ...]
    instead: Mapping[int, int] = field(default_factory=dict)

    @property
    def chosen(self) -> tuple[Decision, ...]:
        """The articles that are in, most important first."""
        return tuple(decision for decision in self.decisions if decision.chosen)

    @property
    def over_the_limit(self) -> tuple[int, ...]:
        """Those that qualified and found no room: they are owed."""
        return tuple(decision.article for decision in self.decisions if decision.reason in OVER)


def select(candidates: Iterable[Candidate], rules: Rules, reader: Reader, *, cutoff: int) -> Selection:
    """Decide on every candidate for one reader."""
    out: list[Decision] = []
    qualified: list[Qualified] = []
    told: dict[int, int] = {}
    for candidate in candidates:
        reason = _qualify(candidate, rules, reader, cutoff)
        topic = _first_followed(candidate.topics, reader.topics)
        if reason not in CHOSEN:
            if candidate.story is not None and reason in HAD:
                told[candidate.story] = max(candidate.id, told.get(candidate.story, 0))
            out.append(Decision(candidate.id, reason, topic))
        elif topic is None:
            out.append(Decision(candidate.id, Reason.NO_TOPIC))
        else:
            qualified.append((candidate, reason, topic))
    chosen, left = _fill(in_order(qualified, rules), rules, told)
    instead = {one.id: told[one.story] for one, _, _ in left if one.story is not None and one.story in told}
    out += (Decision(one.id, Reason.SAME_STORY if one.id in instead else reason, topic) for one, reason, topic in left)
    return Selection(tuple(chosen) + tuple(sorted(out, key=attrgetter("article"))), instead)


def _first_followed(topics: Iterable[str], followed: frozenset[str]) -> str | None:
    for topic in topics:
        if topic in followed:
            return topic
    return None


def _qualify(candidate: Candidate, rules: Rules, reader: Reader, cutoff: int) -> Reason:
    """By which rule the candidate may be in, or why it may not; limits come later."""
    refused = _refusal(candidate, rules, reader, cutoff)
    if refused is not None:
        return refused
    if candidate.id in rules.pinned:
        return Reason.PINNED
    if rules.lookback is not None and _too_old(candidate, rules.lookback):
        return Reason.TOO_OLD
    if rules.languages and not speaks(rules.languages, candidate.language):
        return Reason.OTHER_LANGUAGE
    waited = reader.owed.get(candidate.id)
    if waited is not None:
        return Reason.CARRIED_OVER if waited <= rules.carry_over else Reason.EXPIRED
    if (candidate.arrival or 0) <= reader.coverage:
        return Reason.ALREADY_COVERED
    return Reason.FEATURED if candidate.featured else Reason.NEW


def _refusal(candidate: Candidate, rules: Rules, reader: Reader, cutoff: int) -> Reason | None:
    if candidate.withdrawn:
        return Reason.WITHDRAWN
    if candidate.arrival is None or candidate.arrival > cutoff:
        return Reason.NOT_YET_PUBLISHED
    if candidate.id in reader.had:
        return Reason.ALREADY_SENT
    if candidate.id in reader.had_already:
        return Reason.HAD_ALREADY
    if candidate.id in rules.excluded or (rules.by_hand and candidate.id not in rules.pinned):
        return Reason.EXCLUDED
    return None


def _too_old(candidate: Candidate, lookback: timedelta) -> bool:
    if candidate.seeded_at is None or candidate.published_at is None:
        return False
    return candidate.published_at < candidate.seeded_at - lookback


def _fill(ordered: Iterable[Qualified], rules: Rules, told: dict[int, int]) -> tuple[list[Decision], list[Qualified]]:
    """Give room in order, or in turns, until the limits are reached; what finds none is left, with the reason.

    `told` are the stories that they have had, each with its article; those that they get now are added. A story is told
    once: what found no room is not owed when its story found some after all. What an editor pins is only bound by the room.
    """
    chosen: list[Decision] = []
    left: list[Qualified] = []
    room = Room(rules)
    for candidate, reason, topic in in_turns(ordered, room) if rules.topics_take_turns else ordered:
        pinned = reason is Reason.PINNED
        if room.full_of(topic):
            left.append((candidate, Reason.OVER_THE_LIMIT, topic))
        elif not pinned and room.enough_of(candidate.author):
            left.append((candidate, Reason.OVER_THE_AUTHOR_LIMIT, topic))
        elif not pinned and candidate.story in told:
            left.append((candidate, Reason.SAME_STORY, topic))
        else:
            room.take(candidate, topic)
            chosen.append(Decision(candidate.id, reason, topic))
            if candidate.story is not None:
                told[candidate.story] = candidate.id
    return chosen, left
