"""Following: what subscriptions follow, beside what the configuration offers; and what is to become of the difference.

Pure but for `following`, which counts. Whatever is followed and not offered has either a successor or an end in the
configuration, or nothing goes on until it has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import Connection, func, select

from digest.audience.subscription import SubscriptionState
from digest.audience.topics import ALL_TOPICS
from digest.settings import NewsletterSettings, Settings
from digest.store import tables


class Kind(StrEnum):
    """What can be renamed or given up."""

    TOPIC = "topic"
    FREQUENCY = "frequency"
    NEWSLETTER = "newsletter"
    SOURCE = "source"


@dataclass(frozen=True, slots=True)
class Followed:
    """Subscriptions that are alike in what they follow, and how many they are; `topics` is canonical."""

    newsletter: str
    frequency: str
    topics: str
    many: int


@dataclass(frozen=True, slots=True)
class Succession:
    """Who followed `name` follows `moved_to` from now on, or, where that is None, nothing in its place."""

    kind: Kind
    newsletter: str | None
    name: str
    moved_to: str | None


@dataclass(slots=True)
class Outlook:
    """What is to be done before anything else, in this order; and what nobody has decided yet, a line each."""

    steps: list[Succession] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)


def following(connection: Connection) -> list[Followed]:
    """What everybody follows who has not left."""
    row = tables.subscription.c
    keys = (row.newsletter, row.frequency, row.topics)
    query = select(*keys, func.count()).where(row.state != SubscriptionState.UNSUBSCRIBED.value).group_by(*keys)
    return [Followed(*found) for found in sorted(tuple(found) for found in connection.execute(query))]


def look_out(settings: Settings, followed: Iterable[Followed]) -> Outlook:
    """Compare what is followed with what is configured."""
    newsletters = {newsletter.slug: newsletter for newsletter in settings.newsletters}
    by_newsletter: dict[str, list[Followed]] = {}
    for one in followed:
        by_newsletter.setdefault(one.newsletter, []).append(one)
    outlook = Outlook()
    for slug, groups in sorted(by_newsletter.items()):
        newsletter = newsletters.get(slug)
        if newsletter is None:
            outlook.undecided.append(_gone("newsletters", "newsletter", slug, sum(one.many for one in groups)))
            continue
        _topics(newsletter, groups, outlook)
        if newsletter.current:
            _frequencies(newsletter, groups, outlook)
        else:
            _newsletter(newsletter, groups, newsletters, outlook)
    return outlook


def _topics(newsletter: NewsletterSettings, groups: Iterable[Followed], outlook: Outlook) -> None:
    offered = newsletter.offered
    for topic, many in sorted(_counted((word, one.many) for one in groups for word in one.topics.split()).items()):
        if topic in offered or topic == ALL_TOPICS:
            continue
        if topic in newsletter.topics:
            outlook.steps.append(Succession(Kind.TOPIC, newsletter.slug, topic, newsletter.topics[topic].moved_to))
        else:
            outlook.undecided.append(_gone(f"newsletters.{newsletter.slug}.topics", "topic", topic, many))


def _frequencies(newsletter: NewsletterSettings, groups: Iterable[Followed], outlook: Outlook) -> None:
    former = {frequency.value: successor for frequency, successor in newsletter.former_frequencies.items()}
    for frequency, many in sorted(_counted((one.frequency, one.many) for one in groups).items()):
        if frequency in {offered.value for offered in newsletter.frequencies}:
            continue
        if frequency in former:
            successor = None if former[frequency] == "retired" else former[frequency]
            outlook.steps.append(Succession(Kind.FREQUENCY, newsletter.slug, frequency, successor))
        else:
            outlook.undecided.append(
                f"newsletters.{newsletter.slug}.schedule: frequency {frequency!r} is not offered any more and {_people(many)} it;"
                f' write former_frequencies = {{ {frequency} = "{newsletter.frequencies[0]}" }}, or = "retired"'
            )


def _newsletter(
    newsletter: NewsletterSettings, groups: Iterable[Followed], newsletters: dict[str, NewsletterSettings], outlook: Outlook
) -> None:
    """A newsletter goes as a whole; what moves must fit where it goes."""
    if newsletter.moved_to is not None:
        outlook.undecided += _misfits(newsletter, newsletters[newsletter.moved_to], groups)
    outlook.steps.append(Succession(Kind.NEWSLETTER, None, newsletter.slug, newsletter.moved_to))


def _misfits(newsletter: NewsletterSettings, successor: NewsletterSettings, groups: Iterable[Followed]) -> Iterator[str]:
    kept = [(word, one.many) for one in groups for word in one.topics.split() if word != ALL_TOPICS]
    moved = [(newsletter.topics[topic].moved_to or topic, many) for topic, many in kept if topic in newsletter.topics]
    staying = _counted((topic, many) for topic, many in moved if topic in newsletter.offered)
    for topic, many in sorted(staying.items()):
        if topic not in successor.offered:
            yield (
                f"newsletters.{newsletter.slug}.moved_to: {successor.slug!r} has no topic {topic!r}, and {_people(many)} it;"
                f" add it there, or retire it here first"
            )
    for frequency, many in sorted(_counted((one.frequency, one.many) for one in groups).items()):
        if frequency not in {offered.value for offered in successor.frequencies}:
            yield (
                f"newsletters.{newsletter.slug}.moved_to: {successor.slug!r} is not offered {frequency}, and {_people(many)} that;"
                f" offer it there"
            )


def _gone(table: str, kind: str, name: str, many: int) -> str:
    return (
        f"{table}: {kind} {name!r} is gone and {_people(many)} it; put its table back"
        f' with moved_to = "ANOTHER" or retired = true in it'
    )


def _people(many: int) -> str:
    return f"{many:,} subscriber{' follows' if many == 1 else 's follow'}"


def _counted(pairs: Iterable[tuple[str, int]]) -> Counter[str]:
    counted: Counter[str] = Counter()
    for name, many in pairs:
        counted[name] += many
    return counted
