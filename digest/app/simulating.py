"""Simulating: the catalogue replayed under a newsletter's rules, and under another file's; the store is only read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from digest.app.wiring import App
from digest.errors import UsageError
from digest.insights.replaying import articles_to_replay, groups_of
from digest.insights.simulation import simulate
from digest.insights.simulation_page import Ruled
from digest.settings import NewsletterSettings
from digest.settings.reading import read_settings

LONGEST = timedelta(days=3660)


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the rules, and those they were compared with, would have made of so many articles."""

    newsletter: NewsletterSettings
    articles: int
    ruled: tuple[Ruled, ...]


def replay(app: App, slug: str, first: date, last: date, against: Path | None) -> Replayed:
    """Every slot from the beginning of the first day to the end of the last, in the newsletter's zone."""
    newsletter = app.newsletter(slug)
    rule_sets = [("these rules", newsletter)]
    if against is not None:
        rule_sets.append((against.name, _other(app, against, slug)))
    ruled, many = [], 0
    for name, rules in rule_sets:
        after, until = _span(rules, first, last)
        with app.store.reading() as connection:
            articles = list(articles_to_replay(connection, rules, after, until))
            groups = groups_of(connection, rules)
        many = max(many, len(articles))
        ruled.append(Ruled(name, simulate(rules, articles, groups, after, until)))
    return Replayed(newsletter, many, tuple(ruled))


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
