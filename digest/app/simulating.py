"""Simulating: the catalogue replayed under a newsletter's rules, and under another file's; the store is only read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from digest.app.wiring import App
from digest.errors import UsageError
from digest.insights.replaying import articles_to_replay, groups_of
from digest.insights.simulation import simulate
from digest.insights.simulation_page import Ruled
from digest.issues.calendar import slots_between
from digest.settings import NewsletterSettings
from digest.settings.reading import read_settings

LONGEST = timedelta(days=3660)


def day(name: str, text: str) -> date:
    """A day as somebody wrote it; `name` is what they wrote it as."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{name}: {text!r} is not a date; write it as 2026-01-31") from None
    if not 1970 <= found.year < 9000:
        raise UsageError(f"{name}: the year {found.year} is out of reach")
    return found


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is replayed at most: days, slots and articles."""

    days: int
    slots: int
    articles: int


AT_THE_DESK = Bounds(days=366, slots=200, articles=20_000)
"""What a page may ask for: some seconds of work."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the rules, and those they were compared with, would have made of so many articles."""

    newsletter: NewsletterSettings
    articles: int
    ruled: tuple[Ruled, ...]


def replay(app: App, slug: str, first: date, last: date, against: Path | None, bounds: Bounds | None = None) -> Replayed:
    """Every slot from the beginning of the first day to the end of the last, in the newsletter's zone; `UsageError` where that is more
    than the bounds."""
    newsletter = app.newsletter(slug)
    rule_sets = [("these rules", newsletter)]
    if against is not None:
        rule_sets.append((against.name, _other(app, against, slug)))
    ruled, many = [], 0
    for name, rules in rule_sets:
        after, until = _span(rules, first, last)
        if bounds is not None:
            _hold_to(bounds, rules, after, until)
        with app.store.reading() as connection:
            found = articles_to_replay(connection, rules, after, until)
            articles = list(found if bounds is None else islice(found, bounds.articles + 1))
            if bounds is not None and len(articles) > bounds.articles:
                raise UsageError(f"more than {bounds.articles:,} articles came in that time; take a shorter one")
            groups = groups_of(connection, rules)
        many = max(many, len(articles))
        ruled.append(Ruled(name, simulate(rules, articles, groups, after, until)))
    return Replayed(newsletter, many, tuple(ruled))


def _hold_to(bounds: Bounds, newsletter: NewsletterSettings, after: datetime, until: datetime) -> None:
    if until - after > timedelta(days=bounds.days, hours=2):  # a clock that is set back makes a span longer
        raise UsageError(f"that is longer than {bounds.days} days; take a shorter time, or `digest simulate`")
    zone = ZoneInfo(newsletter.timezone)
    slots = (slot for cron in newsletter.schedule.values() for slot in slots_between(cron, zone, after, until))
    if sum(1 for _ in islice(slots, bounds.slots + 1)) > bounds.slots:
        raise UsageError(f"that is more than {bounds.slots:,} slots; take a shorter time, or `digest simulate`")


def _span(newsletter: NewsletterSettings, first: date, last: date) -> tuple[datetime, datetime]:
    if first > last:
        raise UsageError(f"--from {first} is after --to {last}; turn them around")
    if last - first > LONGEST:
        raise UsageError(f"--from {first} --to {last} is longer than ten years; take a shorter span")
    zone = ZoneInfo(newsletter.timezone)
    moment = timedelta(microseconds=1)
    return datetime.combine(first, time.min, zone) - moment, datetime.combine(last, time.max, zone)


def _other(app: App, file: Path, slug: str) -> NewsletterSettings:
    """The newsletter as another file has it; that file needs no secret key of its own."""
    known = {"DIGEST_SECRET_KEY": app.settings.secret_key.get_secret_value()}
    found = next((one for one in read_settings(file, known | dict(os.environ)).newsletters if one.slug == slug), None)
    if found is None:
        raise UsageError(f"--against {file}: it has no newsletter {slug!r}")
    return found
