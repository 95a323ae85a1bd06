"""Nine o'clock where each reader is: waves around the world, in virtual time."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from digest.app.timetable import next_run
from digest.audience.people import subscribe
from digest.insights.coverage import audit
from digest.issues.issue import find_issue
from digest.issues.lifecycle import IssueState
from digest.store import tables
from tests.journeys.project import BEGAN, Project, article

HOUR = timedelta(hours=1)
# Every hour from Kiritimati to Pago Pago, and some half hours, quarters, and both sides of the date line.
AROUND_THE_WORLD = (
    *("Pacific/Kiritimati", "Pacific/Apia", "Pacific/Auckland", "Pacific/Chatham", "Asia/Kamchatka", "Australia/Sydney"),
    *(
        "Australia/Adelaide",
        "Australia/Brisbane",
        "Asia/Tokyo",
        "Australia/Eucla",
        "Asia/Shanghai",
        "Asia/Bangkok",
        "Asia/Yangon",
    ),
    *("Asia/Dhaka", "Asia/Kathmandu", "Asia/Kolkata", "Asia/Karachi", "Asia/Kabul", "Asia/Dubai", "Asia/Tehran", "Europe/Moscow"),
    *("Africa/Cairo", "Europe/Berlin", "Europe/London", "Atlantic/Azores", "Atlantic/South_Georgia", "America/Sao_Paulo"),
    *("America/St_Johns", "America/Halifax", "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"),
    *("America/Anchorage", "Pacific/Honolulu", "Pacific/Pago_Pago"),
)
SLOT = datetime(2026, 11, 23, 9)  # noqa: DTZ001 - a slot's name is a time on the wall


def join(project: Project, name: str, zone: str | None) -> None:
    with project.app(BEGAN) as app, app.store.writing() as connection:
        newsletter = app.settings.newsletters[0]
        subscribe(connection, newsletter, f"{name}@x.example", timezone=zone, confirmed=True, now=BEGAN)


def move(project: Project, name: str, zone: str | None) -> None:
    """Somebody lives elsewhere from now on, whether or not anybody knows that zone."""
    with project.app() as app, app.store.writing() as connection:
        mine = tables.subscriber.c.address == f"{name}@x.example"
        connection.execute(update(tables.subscriber).where(mine).values(timezone=zone))


def local(project: Project, *more: str) -> None:
    project.configure('timezone = "UTC"', "\n".join(('timezone = "Europe/Berlin"', 'deliver_at = "local"', *more)))
    project.offer(article("a"), article("b"))


def got(project: Project) -> set[str]:
    return {one.rcpt_to.partition("@")[0] for one in project.sink.arrived}


def live(project: Project, now: datetime, until: datetime) -> dict[str, datetime]:
    """Run whenever a process that schedules itself would, but for its rhythm; returns when each mail arrived."""
    arrived: dict[str, datetime] = {}
    while now <= until:
        project.run(now)
        for name in got(project) - set(arrived):
            arrived[name] = now
        with project.app(now) as app:
            now = next_run(app)
    return arrived


@pytest.mark.proof
def test_around_the_world_each_wave_is_at_nine_of_its_zone(project: Project) -> None:
    local(project)
    project.configure("[[sources]]", '[scheduler]\nrun_every = "24h"\n\n[[sources]]')
    for number, zone in enumerate(AROUND_THE_WORLD):
        join(project, f"u{number}", zone)
    join(project, "nowhere", None)
    join(project, "lost", None)
    move(project, "lost", "Mars/Olympus")
    arrived = live(project, datetime(2026, 11, 21, tzinfo=UTC), datetime(2026, 11, 24, 12, tzinfo=UTC))
    for number, zone in enumerate(AROUND_THE_WORLD):
        assert arrived[f"u{number}"].astimezone(ZoneInfo(zone)).replace(tzinfo=None) == SLOT, zone
    for name in ("nowhere", "lost"):
        assert arrived[name].astimezone(ZoneInfo("Europe/Berlin")).replace(tzinfo=None) == SLOT
    waves = defaultdict(set)
    for name, at in arrived.items():
        waves[at].add(name)
    assert len(waves) >= 24
    assert len(project.sink.arrived) == len(AROUND_THE_WORLD) + 2
    assert [(one.name, one.state) for one in project.issues()] == [("weekly/1", IssueState.SENT)]
    assert project.account("weekly/1") == {"accepted": len(AROUND_THE_WORLD) + 2}


def test_while_waves_are_open_the_account_balances_and_the_next_issue_repeats_nothing(project: Project) -> None:
    local(project)
    project.configure('schedule = "0 9 * * 1"', 'schedule = "0 9 * * *"')
    for name, zone in (("kiri", "Pacific/Kiritimati"), ("berlin", "Europe/Berlin"), ("pago", "Pacific/Pago_Pago")):
        join(project, name, zone)
    monday = datetime(2026, 11, 22, 19, tzinfo=UTC)  # nine on Kiritimati
    for hours in (24, 11):
        project.run(monday - hours * HOUR)
    assert project.account("weekly/1") == {"accepted": 2, "planned": 1}  # for Pago Pago the next one comes before it is nine
    project.sink.arrived.clear()
    project.offer(article("a"), article("b"), article("c"))
    ran = project.run(monday)
    assert got(project) == {"kiri"}
    assert "2 wait for their own hour; the next is at 2026-11-23 08:00 UTC" in [one.note for one in ran.handled][-1]
    assert project.account("weekly/2") == {"accepted": 1, "planned": 2}
    assert project.issue("weekly/2").state is IssueState.SENDING
    assert project.issue("weekly/2").settled_at is None
    project.offer(article("a"), article("b"), article("c"), article("d"))
    project.run(monday + 24 * HOUR)  # nobody was there meanwhile: late for Berlin, and for Pago Pago's hour of the day before
    assert [len(project.mails(f"{name}@x.example")) for name in ("kiri", "berlin", "pago")] == [2, 1, 1]
    assert project.account("weekly/2") == {"accepted": 2, "planned": 1}
    assert project.account("weekly/3") == {"accepted": 1, "planned": 2}
    project.run(monday + 60 * HOUR)
    everything = {name: project.everything_read(f"{name}@x.example") for name in ("kiri", "berlin", "pago")}
    assert {name: {key: count for key, count in had.items() if key in "cd"} for name, had in everything.items()} == {
        name: {"c": 1, "d": 1} for name in everything
    }
    for name in ("weekly/1", "weekly/2", "weekly/3"):
        assert project.issue(name).state is IssueState.SENT
        assert project.account(name) == {"accepted": 3}
        with project.app() as app, app.store.reading() as connection:
            assert audit(connection, find_issue(connection, name)) == ()


def test_who_moves_between_waves_is_never_before_their_own_date_and_never_lost(project: Project) -> None:
    local(project)
    for name in ("east", "west", "stays"):
        join(project, name, "Asia/Tokyo")
    join(project, "back", "Pacific/Honolulu")
    join(project, "kiri", "Pacific/Kiritimati")
    project.run(datetime(2026, 11, 22, 19, tzinfo=UTC))
    assert got(project) == {"kiri"}
    move(project, "east", "Asia/Kolkata")  # nine comes three and a half hours later there
    move(project, "west", "Pacific/Honolulu")  # where it is Sunday still
    move(project, "back", "Asia/Tokyo")
    tokyo = datetime(2026, 11, 23, 0, tzinfo=UTC)
    project.run(tokyo)
    assert got(project) == {"kiri", "stays"}
    with project.app(tokyo) as app, app.store.reading() as connection:
        assert len(connection.execute(select(1).where(tables.delivery.c.not_before.is_not(None))).all()) == 2
    project.run(tokyo + timedelta(hours=3, minutes=30))
    assert got(project) == {"kiri", "stays", "east"}
    project.run(datetime(2026, 11, 23, 19, tzinfo=UTC))
    assert got(project) == {"kiri", "stays", "east", "west", "back"}
    assert project.account("weekly/1") == {"accepted": 5}


@pytest.mark.parametrize("policy", ["", 'latest = "3h"'])
def test_after_a_downtime_over_an_hour_it_is_sent_late_or_what_it_held_comes_with_the_next(project: Project, policy: str) -> None:
    local(project, policy)
    zones = {"tokyo": "Asia/Tokyo", "kolkata": "Asia/Kolkata", "berlin": "Europe/Berlin", "denver": "America/Denver"}
    for name, zone in zones.items():
        join(project, name, zone)
    project.run(datetime(2026, 11, 23, 0, tzinfo=UTC))
    project.run(datetime(2026, 11, 23, 8, 30, tzinfo=UTC))  # five hours after Kolkata's, half an hour after Berlin's
    late = {"tokyo", "berlin"} if policy else {"tokyo", "kolkata", "berlin"}
    assert got(project) == late
    project.run(datetime(2026, 11, 23, 16, tzinfo=UTC))
    assert project.account("weekly/1") == ({"accepted": 3, "expired": 1} if policy else {"accepted": 4})
    assert project.issue("weekly/1").state is IssueState.SENT
    project.offer(article("a"), article("b"), article("c"))
    for hour in (0, 4, 8, 16):
        project.run(datetime(2026, 11, 30, hour, tzinfo=UTC))
    for name in zones:
        assert project.everything_read(f"{name}@x.example") == {"a": 1, "b": 1, "c": 1}, name


def test_a_dry_run_shows_what_everybody_would_get_whatever_their_hour(project: Project) -> None:
    local(project)
    for name, zone in (("kiri", "Pacific/Kiritimati"), ("pago", "Pacific/Pago_Pago")):
        join(project, name, zone)
    project.run(datetime(2026, 11, 22, 19, tzinfo=UTC))
    said = project.command("send", "weekly/1", "--dry-run", "--json", "--now", "2026-11-22T20:00:00Z")
    assert said.returncode == 0
    assert '"accepted": 2' in said.stdout
    assert len(project.sink.arrived) == 1
    lines = project.command("send", "weekly/1", "--now", "2026-11-22T20:00:00Z")
    assert "1 wait for their own hour; the next is at 2026-11-23 20:00 UTC" in lines.stdout
