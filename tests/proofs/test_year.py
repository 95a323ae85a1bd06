"""A year of a process that schedules itself, in virtual time: five zones, clocks that are set, restarts and days when nobody was there.

`DIGEST_YEAR_DAYS=366` is the whole year; `DIGEST_YEAR_SEED=SEED` repeats one. Every slot that somebody was there for has one issue, at its
time where nothing was in the way; every account balances; every reader has every article once.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from digest.app.timetable import next_run
from digest.delivery.account import account
from digest.issues.issue import Issue
from digest.issues.lifecycle import IssueState
from digest.settings import Frequency, NewsletterSettings
from digest.store.database import Store
from tests.proofs.lives import Lives
from tests.proofs.telling import tell

pytestmark = pytest.mark.proof

DAYS = int(os.environ.get("DIGEST_YEAR_DAYS", "24"))
ONLY = os.environ.get("DIGEST_YEAR_SEED")
HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)
# Before clocks change in America, in Europe and on Lord Howe: in spring, and in autumn.
BEGINNINGS = (datetime(2027, 3, 12, 12, tzinfo=UTC), datetime(2026, 10, 3, 12, tzinfo=UTC))
SCHEDULE = {Frequency.DAILY: "30 2 * * *", Frequency.WEEKLY: "0 9 * * 1", Frequency.MONTHLY: "30 2 L * *"}
HOURS = {Frequency.DAILY: (2, 30), Frequency.WEEKLY: (9, 0), Frequency.MONTHLY: (2, 30)}
NEWSLETTERS: dict[str, dict[str, Any]] = {
    "berlin": {"timezone": "Europe/Berlin"},
    "york": {"timezone": "America/New_York", "catch_up": "merge", "draft_before": 12 * HOUR},
    "kolkata": {"timezone": "Asia/Kolkata", "catch_up": "skip", "latest": 3 * HOUR},  # half an hour, and no summer time
    "howe": {"timezone": "Australia/Lord_Howe", "latest": 5 * HOUR},  # a summer time of half an hour
    "nairobi": {"timezone": "Africa/Nairobi", "deliver_at": "local"},  # no summer time, and waves
}
_COMING = {IssueState.DRAFT, IssueState.APPROVED}
AROUND = ("Pacific/Kiritimati", "Asia/Kathmandu", "Africa/Nairobi", "America/St_Johns")
_EVERYTHING: dict[str, Any] = {"max_articles": 999, "max_per_topic": 999, "carry_over": 999, "schedule": SCHEDULE}


@dataclass(slots=True)
class Year:
    """One year that is lived: when somebody was there, and when nobody was."""

    lives: Lives
    draw: random.Random
    there: list[datetime] = field(default_factory=list)
    away: list[tuple[datetime, datetime]] = field(default_factory=list)
    came_to: Counter[str] = field(default_factory=Counter)

    def live(self, days: int) -> None:
        """So many days, from one moment of the scheduler to the next."""
        ends = self.lives.now + days * DAY
        while self.lives.now < ends:
            self._something_happens()
            self.run()
            self.lives.now = next_run(self.lives.app)
        days = 0
        while days < 3 or (days < 12 and self._is_something_coming()):  # whatever waits for its hour, or for its slot
            self._stay_away(2 * DAY, "days to end")
            self.run()
            days += 1

    def _is_something_coming(self) -> bool:
        """Whether an issue was drafted whose slot has not come: there always may be one, up to half a day before."""
        return any(issue.slot_at > self.lives.now for issue in self.lives.issues() if issue.state in _COMING)

    def run(self) -> None:
        """Somebody is there, or two are."""
        self.there.append(self.lives.now)
        self.lives.run()
        if self.draw.random() < 0.05:
            self.lives.run()
            self.came_to["runs beside another"] += 1

    def _something_happens(self) -> None:
        chance = self.draw.random()
        if (
            chance < 0.05
        ):  # so rarely that one mail holds two months of it: of what does not fit, a mail says that it stands on the web
            self.lives.publish(("python",), self.lives.now, featured=False)
        elif chance < 0.18:
            self._restart()
        elif chance < 0.20:
            self._stay_away(timedelta(minutes=self.draw.randint(1, 20 * 60)), "short downtimes")
        elif chance < 0.204:
            self._stay_away(timedelta(minutes=self.draw.randint(24 * 60, 21 * 24 * 60)), "long downtimes")
        elif chance < 0.22:
            self._set_clock()

    def _restart(self) -> None:
        self.lives.store.close()
        self.lives.store = Store(f"sqlite:///{self.lives.database}", synchronous="OFF")
        self.came_to["restarts"] += 1

    def _stay_away(self, span: timedelta, what: str) -> None:
        began = self.lives.now - MINUTE  # the moment itself is missed, too
        self.lives.now += span
        self.away.append((began, self.lives.now))
        self.came_to[what] += 1

    def _set_clock(self) -> None:
        """It goes wrong for one run, and is set right again: what comes next is by the right one."""
        right = self.lives.now
        self.lives.now += self.draw.choice((-3, -1, -0.5, 0.25, 1, 2)) * HOUR
        self.run()
        self.lives.now = right
        self.came_to["clocks set"] += 1

    def was_away(self, at: datetime) -> bool:
        """Whether nobody was there at that time."""
        return any(began <= at < ended for began, ended in self.away)


def settings_of(lives: Lives) -> None:
    """Five newsletters, each with a policy of its own; the scheduler looks once a day beside their slots."""
    base = lives.settings.newsletters[0].model_dump()
    newsletters = tuple(
        NewsletterSettings.model_validate(base | _EVERYTHING | own | {"slug": slug}) for slug, own in NEWSLETTERS.items()
    )
    scheduler = lives.settings.scheduler.model_copy(update={"run_every": DAY})
    lives.settings = lives.settings.model_copy(update={"newsletters": newsletters, "scheduler": scheduler})


def readers(lives: Lives) -> dict[str, str]:
    """One of each newsletter and frequency, where waves are one of each zone; returns the newsletter of each."""
    found = {}
    for slug in NEWSLETTERS:
        for frequency in SCHEDULE:
            for zone in AROUND if slug == "nairobi" else (None,):
                email = f"{slug}.{frequency}.{(zone or 'x').rpartition('/')[2].lower()}@x.example"
                lives.subscribe(email, (), frequency.value, zone, slug=slug)
                found[email] = slug
    return found


def wall(zone: ZoneInfo, day: date, hour: int, minute: int) -> datetime:
    """The first minute at which the clock on the wall shows that time, or more: found by looking at every one."""
    at = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC) + (hour - 2) * HOUR
    wanted = (day, hour, minute)
    while (at.astimezone(zone).date(), at.astimezone(zone).hour, at.astimezone(zone).minute) < wanted:
        at += MINUTE
    return at


def slots(slug: str, frequency: Frequency, began: datetime, ended: datetime) -> Iterator[tuple[str, datetime]]:
    """Every slot there should be, by its name and its instant: by no calendar of ours."""
    zones = [ZoneInfo(zone) for zone in (AROUND if slug == "nairobi" else (NEWSLETTERS[slug]["timezone"],))]
    day, (hour, minute) = began.date() - 2 * DAY, HOURS[frequency]
    while day <= ended.date() + 2 * DAY:
        is_last = (day + DAY).month != day.month
        if frequency is Frequency.DAILY or (day.weekday() == 0 if frequency is Frequency.WEEKLY else is_last):
            at = min(wall(zone, day, hour, minute) for zone in zones)
            if began < at <= ended:
                yield f"{day}T{hour:02}:{minute:02}", at
        day += DAY


def judge(year: Year, began: datetime, homes: dict[str, str]) -> None:
    """Everything that must hold at the end."""
    issues: dict[tuple[str, str], dict[str, Issue]] = {}
    with year.lives.store.reading() as connection:
        for issue in year.lives.issues():
            made = issues.setdefault((issue.newsletter, issue.frequency), {})
            assert issue.slot not in made, f"{issue.name}: its slot had an issue"
            made[issue.slot] = issue
            assert issue.state in {IssueState.SENT, IssueState.SKIPPED}, (
                f"{issue.name} is {issue.state} at the end: {issue.reason}"
            )
            stands = account(connection, issue)  # raises when the sum is not the audience
            assert {state for state, count in stands.items() if count} <= {"accepted", "skipped", "expired"}, (
                issue.name,
                stands,
            )
            year.came_to[f"issues {issue.state}"] += 1
            year.came_to["mails"] += stands["accepted"]
    for slug in NEWSLETTERS:
        for frequency in SCHEDULE:
            _judge_slots(year, slug, frequency, issues.get((slug, frequency.value), {}), began)
    published = {entry.key for entry in year.lives.entries}
    last = {email: _last_slot(issues, slug, email.split(".")[1]) for email, slug in homes.items()}
    for email in homes:
        got = year.lives.mailbox.got.get(email, Counter())
        assert set(got.values()) <= {1}, f"{email} got {[key for key, count in got.items() if count > 1]} more than once"
        due = {entry.key for entry in year.lives.entries if entry.published_at is not None and entry.published_at < last[email]}
        assert due <= set(got) <= published, f"{email} never got {sorted(due - set(got))}"


def _last_slot(issues: dict[tuple[str, str], dict[str, Issue]], slug: str, frequency: str) -> datetime:
    """Until when something had to be published to be in an issue that was sent."""
    sent = [issue.frozen_at for issue in issues.get((slug, frequency), {}).values() if issue.state is IssueState.SENT]
    return max(sent, default=BEGINNINGS[1]) - 3 * HOUR  # a clock may have been ahead for once


def _judge_slots(year: Year, slug: str, frequency: Frequency, made: dict[str, Issue], began: datetime) -> None:
    expected = list(slots(slug, frequency, began, max(year.there)))
    patience = {"kolkata": 3 * HOUR, "howe": 5 * HOUR}.get(slug, 10_000 * DAY)
    nexts = [at for _, at in expected[1:]] + [datetime.max.replace(tzinfo=UTC)]
    wanted = set()
    for (name, at), following in zip(expected, nexts, strict=True):
        seen = [moment for moment in year.there if at <= moment < following and moment - at <= patience]
        if seen:
            wanted.add(name)
        if not year.was_away(at):
            assert at in year.there, f"{slug} {frequency} {name}: nobody woke at {at}"
            year.came_to["slots on time"] += 1
            if slug != "york":  # which is drafted ahead
                assert made[name].frozen_at <= at + 3 * HOUR, f"{slug} {frequency} {name}"
        else:
            year.came_to["slots caught up" if seen else "slots let go"] += 1
    ahead = {name for name, at in expected if slug == "york" and name not in wanted and name in made}
    assert set(made) - ahead == wanted, f"{slug} {frequency}: {sorted(set(made) ^ wanted)}"
    for name in ahead:  # drafted before its slot, at which nobody was there until the next one
        assert made[name].state is IssueState.SKIPPED, f"{slug} {frequency} {name}: {made[name].state}"


def test_every_slot_once_and_every_account_balanced() -> None:
    seed = int(ONLY) if ONLY else random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}, {DAYS} days")
    draw = random.Random(seed)
    began = draw.choice(BEGINNINGS)
    lives = Lives(began, unknown_arrives=True)
    try:
        settings_of(lives)
        homes = readers(lives)
        year = Year(lives, draw)
        year.live(DAYS)
        judge(year, began, homes)
    finally:
        lives.close()
    tell(f"year: {DAYS} days, seed {seed}: " + ", ".join(f"{count:,} {what}" for what, count in sorted(year.came_to.items())))
    assert year.came_to["slots on time"] > 0
