"""Simulation: the issues that a newsletter's rules would have made of a catalogue, slot after slot. Pure.

An article arrives when it was published (without a date: when it was first seen), since a catalogue that was read in one go
would otherwise arrive in one go. So `lookback`, which bounds first readings alone, plays no part. Everybody who is
subscribed now is taken to have been so all the time, and every mail to have been accepted.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from digest.issues.calendar import slots_between
from digest.issues.owed import older
from digest.issues.rules import rules_of
from digest.issues.selection import Candidate, Reader, Reason, Rules, Selection, select
from digest.settings import NewsletterSettings

LEAST, MOST = 3, 500  # of a frequency so many groups, the largest, are followed issue by issue
_PAIRS = 300_000  # of groups and articles: some seconds


@dataclass(frozen=True, slots=True)
class Group:
    """Subscribers who follow the same topics at the same frequency."""

    frequency: str
    topics: frozenset[str]
    many: int


@dataclass(frozen=True, slots=True)
class Simulated:
    """One slot. Counts of articles are those of somebody who follows everything; `skipped` says why there was no issue.

    `fresh` are the articles that arrived for it, `articles` those in the mail, of which `carried` had been owed; `waiting` are
    owed afterwards, `expired` were owed for too long. Of `considered` subscribers `reached` got a mail.
    """

    slot: str
    frequency: str
    number: int | None
    fresh: int
    articles: int
    carried: int
    waiting: int
    expired: int
    considered: int
    reached: int
    topics: Mapping[str, int]
    skipped: str | None = None


@dataclass(frozen=True, slots=True)
class Simulation:
    """Every slot in order. `starved` counts, by topic, the issues that had nothing of it; `left_aside` are subscribers whose
    choice of topics is too rare to have been followed."""

    newsletter: str
    slots: tuple[Simulated, ...]
    starved: Mapping[str, int]
    left_aside: int
    nobody: bool

    @property
    def issues(self) -> tuple[Simulated, ...]:
        """The slots that had an issue."""
        return tuple(one for one in self.slots if one.skipped is None)


@dataclass(slots=True)
class _Standing:
    """How far a group has come; `had` are the articles of late that share their story with others."""

    group: Group
    coverage: int
    owed: dict[int, int] = field(default_factory=dict)
    had: frozenset[int] = frozenset()


@dataclass(slots=True)
class _Replay:
    newsletter: NewsletterSettings
    rules: Rules
    arrived: Sequence[Candidate]
    times: Sequence[datetime]
    numbers: int = 0

    def reached_at(self, at: datetime) -> int:
        """The arrival number that was the highest then."""
        return bisect_right(self.times, at)

    def window(self, after: int, cutoff: int, owed: Iterable[int]) -> list[Candidate]:
        """What arrived in `(after, cutoff]`, and what is owed."""
        return [self.arrived[number - 1] for number in sorted(owed) if number <= after] + list(self.arrived[after:cutoff])

    def told(self, had: Iterable[int], cutoff: int) -> frozenset[int]:
        """Those of a reader's articles whose story another one may tell again."""
        since = self.times[cutoff - 1] - 2 * self.newsletter.same_story if cutoff else None
        return frozenset(
            one for one in had if self.arrived[one - 1].story is not None and (since is None or self.times[one - 1] >= since)
        )


def simulate(
    newsletter: NewsletterSettings,
    articles: Iterable[tuple[datetime, Candidate]],
    groups: Iterable[Group],
    after: datetime,
    until: datetime,
) -> Simulation:
    """Replay every slot with `after < slot <= until`. `articles` come with the time at which each arrived, in any order."""
    ordered = sorted(articles, key=lambda one: (one[0], one[1].id))
    arrived = [replace(one, id=number, arrival=number, seeded_at=None) for number, (_, one) in enumerate(ordered, start=1)]
    replay = _Replay(newsletter, rules_of(newsletter), arrived, [at for at, _ in ordered])
    every, zone = list(groups), ZoneInfo(newsletter.timezone)
    standings, aside = _standings(newsletter, every, replay.reached_at(after), followed(len(arrived)))
    slots = sorted(
        (slot, frequency.value)
        for frequency, cron in newsletter.schedule.items()
        for slot in slots_between(cron, zone, after, until)
    )
    made = tuple(_slot(replay, slot.name, slot.at, frequency, standings[frequency], not every) for slot, frequency in slots)
    starved = Counter(dict.fromkeys(replay.rules.topics, 0))
    starved.update(topic for one in made if one.skipped is None for topic in replay.rules.topics if not one.topics.get(topic))
    return Simulation(newsletter.slug, made, dict(starved), aside, not every)


def followed(articles: int) -> int:
    """How many groups of a frequency are followed out of so many articles."""
    return min(max(_PAIRS // max(articles, 1), LEAST), MOST)


def _standings(
    newsletter: NewsletterSettings, groups: Sequence[Group], coverage: int, most: int
) -> tuple[dict[str, list[_Standing]], int]:
    """For each frequency somebody who follows everything, then the largest groups; and how many others there are."""
    everything = frozenset(newsletter.offered)
    standings, aside = {}, 0
    for frequency in newsletter.frequencies:
        theirs = sorted((one for one in groups if one.frequency == frequency), key=lambda one: (-one.many, sorted(one.topics)))
        everybody = [Group(frequency.value, everything, 0), *theirs[:most]]
        standings[frequency.value] = [_Standing(group, coverage) for group in everybody]
        aside += sum(one.many for one in theirs[most:])
    return standings, aside


def _slot(replay: _Replay, name: str, at: datetime, frequency: str, standings: Sequence[_Standing], nobody: bool) -> Simulated:
    cutoff, whole = replay.reached_at(at), standings[0]
    fresh = cutoff - whole.coverage
    selection = _choose(replay, whole, cutoff)
    considered = sum(one.group.many for one in standings)
    chosen, reasons = selection.chosen, Counter(decision.reason for decision in selection.decisions)
    reason = _why_skipped(replay.newsletter, len(chosen), considered, nobody)
    if reason is not None:
        return Simulated(name, frequency, None, fresh, 0, 0, len(whole.owed), 0, considered, 0, {}, reason)
    replay.numbers += 1
    reached = sum(_go_on(replay, one, _choose(replay, one, cutoff), cutoff) for one in standings[1:])
    _go_on(replay, whole, selection, cutoff)
    return Simulated(
        name,
        frequency,
        replay.numbers,
        fresh,
        len(chosen),
        reasons[Reason.CARRIED_OVER],
        len(whole.owed),
        reasons[Reason.EXPIRED],
        considered,
        reached,
        dict(Counter(decision.topic for decision in chosen if decision.topic is not None)),
    )


def _why_skipped(newsletter: NewsletterSettings, found: int, considered: int, nobody: bool) -> str | None:
    if found < newsletter.min_articles:
        what = "no article" if found == 0 else f"only {found} article{'s' if found > 1 else ''}"
        return f"{what} qualified and min_articles is {newsletter.min_articles}"
    return None if considered or nobody else "nobody is subscribed"


def _choose(replay: _Replay, standing: _Standing, cutoff: int) -> Selection:
    reader = Reader(standing.group.topics, standing.coverage, standing.owed, standing.had)
    candidates = replay.window(standing.coverage, cutoff, standing.owed.keys() | standing.had)
    if standing.group.many:  # of no topic of theirs: nothing that a count would show
        candidates = [one for one in candidates if not reader.topics.isdisjoint(one.topics) or one.id in standing.had]
    return select(candidates, replay.rules, reader, cutoff=cutoff)


def _go_on(replay: _Replay, standing: _Standing, selection: Selection, cutoff: int) -> int:
    """As settling does; returns how many of the group got a mail."""
    standing.owed = older(standing.owed, selection.over_the_limit)
    standing.had = replay.told(standing.had.union(one.article for one in selection.chosen), cutoff)
    standing.coverage = cutoff
    return standing.group.many if selection.chosen else 0


def totals(simulation: Simulation) -> dict[str, int]:
    """What all slots come to."""
    slots, issues = simulation.slots, simulation.issues
    return {
        "slots": len(slots),
        "issues": len(issues),
        "skipped": len(slots) - len(issues),
        "articles": sum(one.articles for one in issues),
        "carried": sum(one.carried for one in issues),
        "expired": sum(one.expired for one in issues),
        "mails": sum(one.reached for one in issues),
    }


def skips(simulation: Simulation) -> Iterator[tuple[str, int]]:
    """The reasons for which slots were skipped, with how often."""
    yield from Counter(one.skipped for one in simulation.slots if one.skipped is not None).most_common()
