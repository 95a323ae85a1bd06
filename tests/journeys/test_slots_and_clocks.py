"""Clocks that jump, months of every length, and frequencies beside each other: each article in exactly one window."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.journeys.project import Project, article

pytestmark = pytest.mark.rather_sqlite

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ANN, BEN, DAN = "ann@x.example", "ben@x.example", "dan@x.example"
EVERY = 'schedule = { daily = "30 2 * * *", weekly = "0 9 * * 1", monthly = "30 2 L * *" }'


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]  # a date and perhaps a time, by their numbers


def berlin(project: Project, began: datetime, schedule: str = EVERY) -> None:
    """A project in Berlin that began at some time."""
    project.configure("started_at = 2026-11-20T12:00:00Z", f"started_at = {began:%Y-%m-%dT%H:%M:%SZ}")
    project.configure('schedule = "0 9 * * 1"', schedule)
    project.configure('timezone = "UTC"', 'timezone = "Europe/Berlin"')
    project.configure("max_articles = 20", "max_articles = 99")
    project.configure("max_per_topic = 10", "max_per_topic = 99")


def live(project: Project, began: datetime, days: int, *, every: timedelta = 12 * HOUR) -> list[str]:
    """Now and then an article comes out and somebody runs Digest; returns the articles' keys."""
    offered: list[dict[str, object]] = []
    at = began
    while at < began + days * DAY:
        offered.append(article(f"n{len(offered)}", at=at))
        project.offer(*offered)
        at += every
        project.run(at)
    return [str(entry["id"]) for entry in offered]


def slots(project: Project, frequency: str) -> list[str]:
    return [issue.slot for issue in project.issues() if issue.frequency == frequency]


@pytest.mark.parametrize(("began", "hours"), [(utc(2027, 3, 22, 6), 167), (utc(2026, 10, 19, 5), 169)], ids=["march", "october"])
def test_case_18_in_a_week_of_167_or_169_hours_each_article_is_in_exactly_one_window(
    project: Project, began: datetime, hours: int
) -> None:
    berlin(project, began, 'schedule = "0 9 * * 1"')
    project.join(ANN, at=began)
    keys = live(project, began, 15)
    issues = project.issues()
    assert {issue.slot[-5:] for issue in issues} == {"09:00"}
    assert issues[1].slot_at - issues[0].slot_at == timedelta(hours=hours)
    got = project.everything_read(ANN)
    assert set(got.values()) == {1}
    before_the_last = sum(began + number * 12 * HOUR < issues[-1].slot_at for number in range(len(keys)))
    assert set(got) >= set(keys[:before_the_last])


@pytest.mark.parametrize(
    ("began", "name", "at"),
    [
        (utc(2027, 3, 27, 12), "2027-03-28T02:30", utc(2027, 3, 28, 1, 0)),
        (utc(2026, 10, 24, 12), "2026-10-25T02:30", utc(2026, 10, 25, 0, 30)),
    ],
    ids=["a time that never is", "a time that is twice"],
)
def test_a_slot_at_half_past_two_has_one_issue_when_the_clock_changes(
    project: Project, began: datetime, name: str, at: datetime
) -> None:
    berlin(project, began)
    project.join(DAN, frequency="daily", at=began)
    offered = []
    for half_hours in range(16):
        now = at - 2 * HOUR + half_hours * HOUR / 2
        offered.append(article(f"n{half_hours}", at=now))
        project.offer(*offered)
        project.run(now)
    issue = next(issue for issue in project.issues() if issue.slot == name)
    assert issue.slot_at == at
    assert slots(project, "daily").count(name) == len(project.mails(DAN)) == 1
    assert set(project.read(DAN)[0]) == {f"n{number}" for number in range(5)}


def test_a_monthly_reader_gets_each_month_on_its_last_day_with_a_29_february_among_them(project: Project) -> None:
    began = utc(2027, 12, 30, 12)
    berlin(project, began)
    project.join(BEN, frequency="monthly", at=began)
    keys = live(project, began, 125, every=6 * DAY)
    assert slots(project, "monthly") == [
        "2027-12-31T02:30",
        "2028-01-31T02:30",
        "2028-02-29T02:30",
        "2028-03-31T02:30",
        "2028-04-30T02:30",
    ]
    assert project.everything_read(BEN) == dict.fromkeys(keys[: len(project.everything_read(BEN))], 1)
    assert len(project.everything_read(BEN)) >= len(keys) - 2


def test_daily_weekly_and_monthly_beside_each_other_and_switching_in_mid_week_repeat_and_lose_nothing(project: Project) -> None:
    began = utc(2027, 3, 17, 12)
    berlin(project, began)
    for reader, frequency in ((ANN, "weekly"), (BEN, "monthly"), (DAN, "daily")):
        project.join(reader, frequency=frequency, at=began)
    switches = {
        5: (ANN, "daily"),
        9: (BEN, "weekly"),
        13: (ANN, "monthly"),
        16: (DAN, "monthly"),
        20: (BEN, "daily"),
        23: (DAN, "weekly"),
        30: (ANN, "weekly"),
    }
    offered = []
    for day in range(48):
        at = began + day * DAY
        if day in switches:
            reader, frequency = switches[day]
            project.join(reader, frequency=frequency, at=at)
        if day < 40:
            offered.append(article(f"n{day}", at=at))
        project.offer(*offered)
        project.run(at)
    for reader in (ANN, BEN, DAN):
        assert project.everything_read(reader) == {f"n{day}": 1 for day in range(40)}, reader


def test_a_newsletter_whose_zone_moves_repeats_no_slot_and_loses_nothing(project: Project) -> None:
    began = utc(2027, 3, 22, 6)
    berlin(project, began)
    project.join(DAN, frequency="daily", at=began)
    zones = ["Europe/Berlin", "America/New_York", "Pacific/Auckland", "Europe/Berlin"]
    offered = []
    for half in range(24):
        if half and half % 6 == 0:
            project.configure(f'timezone = "{zones[half // 6 - 1]}"', f'timezone = "{zones[half // 6]}"')
        at = began + half * 12 * HOUR
        if half < 20:
            offered.append(article(f"n{half}", at=at))
        project.offer(*offered)
        project.run(at)
    named = slots(project, "daily")
    assert len(named) == len(set(named))
    assert project.everything_read(DAN) == {f"n{number}": 1 for number in range(20)}


def test_case_27_a_clock_that_jumps_back_an_hour_with_news_meanwhile_sends_nothing_twice(project: Project) -> None:
    began = utc(2026, 10, 24, 12)
    berlin(project, began)
    for reader, frequency in ((DAN, "daily"), (ANN, "weekly")):
        project.join(reader, frequency=frequency, at=began)
    offered = [article("n0", at=began)]
    at = utc(2026, 10, 25, 0, 45)
    for step, jump in enumerate((0, -60, 30, -60, 90, 24 * 60, -60, 2 * 24 * 60), start=1):
        at += timedelta(minutes=jump)
        offered.append(article(f"n{step}", at=at))
        project.offer(*offered)
        project.run(at)
    for reader in (DAN, ANN):
        assert max(project.everything_read(reader).values()) == 1, reader
    project.run(at + 7 * DAY)
    project.run(at + 14 * DAY)
    for reader in (DAN, ANN):
        assert project.everything_read(reader) == {f"n{step}": 1 for step in range(9)}, reader


def test_a_slot_that_was_passed_over_is_made_up_for_by_no_clock_that_is_put_back(project: Project) -> None:
    """Nobody was there for two days, and what came meanwhile went out at the second: the first is over, whatever the clock says."""
    began = utc(2026, 10, 5, 12)
    berlin(project, began)
    project.join(DAN, frequency="daily", at=began)
    back = utc(2026, 10, 8, 0, 45)
    offered = [article("n0", at=began)]
    for step, at in enumerate((back, back - HOUR, back + DAY)):
        project.offer(*offered)
        project.run(at)
        offered.append(article(f"n{step + 1}", at=back))
    assert slots(project, "daily") == ["2026-10-08T02:30", "2026-10-09T02:30"]
    assert [sorted(mail) for mail in project.read(DAN)] == [["n0"], ["n1", "n2"]]


def test_case_31_a_source_with_ten_years_of_entries_is_added_and_nobody_is_flooded(project: Project) -> None:
    began = utc(2026, 11, 20, 12)
    project.join(ANN)
    project.offer(article("a", at=began))
    project.run(utc(2026, 11, 23, 9))
    years = [article(f"old{week}", at=began - timedelta(weeks=week)) for week in range(520)]
    (project.folder / "blog.json").write_text((project.folder / "articles.json").read_text(encoding="utf-8"), encoding="utf-8")
    project.configure(
        'path = "articles.json"', 'path = "articles.json"\n\n[[sources]]\nname = "blog"\nkind = "json"\npath = "blog.json"'
    )
    _write(project, "blog.json", years)
    project.offer(article("a", at=began), article("b", at=began + 4 * DAY))
    project.run(utc(2026, 11, 30, 9))
    _write(project, "blog.json", [*years, article("new", at=began + 12 * DAY)])
    for day in (7, 14, 21):
        project.run(utc(2026, 12, day, 9))
    assert [len(mail) for mail in project.read(ANN)] == [1, 10, 10, 2]  # ten is the limit of a topic
    assert project.everything_read(ANN) == dict.fromkeys(("a", "b", "new", *(f"old{week}" for week in range(20))), 1)


def test_case_13_a_feed_of_ten_entries_that_was_outrun_says_so_in_the_run_and_sends_what_it_shows(project: Project) -> None:
    project.configure('kind = "json"\npath = "articles.json"', 'kind = "feed"\npath = "feed.xml"')
    project.join(ANN)
    _feed(project, range(10))
    project.run(utc(2026, 11, 23, 9))
    _feed(project, range(14, 24))
    run = project.command("run", "--now", "2026-11-30T09:00:00Z")
    assert run.returncode == 0
    assert "there may be articles that came and went between two fetches" in run.stdout + run.stderr
    again = project.command("run", "--now", "2026-12-07T09:00:00Z")
    assert "came and went" not in again.stdout + again.stderr
    assert project.everything_read(ANN) == {f"n{number}": 1 for number in (*range(10), *range(14, 24))}


def _write(project: Project, name: str, entries: list[dict[str, object]]) -> None:
    (project.folder / name).write_text(json.dumps(entries), encoding="utf-8")


def _feed(project: Project, numbers: range) -> None:
    began = utc(2026, 11, 20, 12)
    items = "".join(
        f"<item><guid>n{number}</guid><title>Title n{number}</title><link>https://backend.example/n{number}</link>"
        f"<category>python</category><pubDate>{began + number * HOUR:%a, %d %b %Y %H:%M:%S} +0000</pubDate></item>"
        for number in reversed(numbers)
    )
    feed = f'<rss version="2.0"><channel><title>Blog</title><link>https://backend.example</link>{items}</channel></rss>'
    (project.folder / "feed.xml").write_text(feed, encoding="utf-8")
