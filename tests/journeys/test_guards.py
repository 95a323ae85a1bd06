"""What stands between a mistake and everybody's mailbox: the audience's size, a canary, a day's quota."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from digest.delivery.engines.turns import Turns
from digest.store import tables
from digest.testing.sendgrid_stub import SendGridStub
from digest.testing.smtp_sink import Now
from digest.testing.smtp_talk import React
from tests.journeys.project import MONDAY, WEEK, Project, a_project, article

NOW = MONDAY.isoformat()
NEXT = (MONDAY + WEEK).isoformat()


def people(project: Project, many: int, of: str = "u") -> set[str]:
    """So many more readers."""
    emails = {f"{of}{number}@x.example" for number in range(many)}
    rows = "".join(f"{email},yes\n" for email in sorted(emails))
    (project.folder / "people.csv").write_text("email,confirmed\n" + rows, encoding="utf-8")
    assert project.command("subscribers", "import", "people.csv", "--now", NOW).returncode == 0
    return emails


def arrived(project: Project) -> Counter[str]:
    return Counter(one.rcpt_to for one in project.sink.arrived if one.accepted)


def test_case_32_twice_the_audience_is_asked_about_before_anything_is_sent(project: Project) -> None:
    guarded = {"DIGEST_DELIVERY__AUDIENCE_FROM": "8"}
    people(project, 5)
    project.offer(article("a"))
    assert project.code(MONDAY, **guarded) == 0  # the first issue has none to be compared with
    people(project, 5, "import")
    project.offer(article("a"), article("b", at=MONDAY))
    for _ in range(2):
        got = project.command("run", "--now", NEXT, **guarded)
        assert got.returncode == 3
        assert "weekly/2 would go to 10 subscribers, the one before went to 5" in got.stdout
    assert len(project.sink.arrived) == 5
    assert project.issue("weekly/2").state == "approved"
    few = project.command("send", "weekly/2", "--confirm-audience", "9", "--now", NEXT, **guarded)
    assert (few.returncode, len(project.sink.arrived)) == (3, 5)
    assert "--confirm-audience 10" in few.stderr
    assert project.command("run", "--dry-run", "--now", NEXT, **guarded).returncode == 0
    yes = project.command("send", "weekly/2", "--confirm-audience", "10", "--now", NEXT, **guarded)
    assert (yes.returncode, len(project.sink.arrived)) == (0, 15)


@pytest.mark.parametrize(
    ("more", "settings"),
    [
        (2, {}),  # below audience_from
        (3, {"DIGEST_DELIVERY__AUDIENCE_FROM": "9"}),
        (2, {"DIGEST_DELIVERY__AUDIENCE_FROM": "2"}),  # one and a half times is not above it
        (9, {"DIGEST_DELIVERY__AUDIENCE_FROM": "2", "DIGEST_DELIVERY__AUDIENCE_FACTOR": "0"}),
    ],
)
def test_growth_that_is_usual_is_not_asked_about(project: Project, more: int, settings: dict[str, str]) -> None:
    people(project, 4)
    project.offer(article("a"))
    assert project.code(MONDAY, **settings) == 0
    people(project, more, "new")
    project.offer(article("a"), article("b", at=MONDAY))
    assert project.code(MONDAY + WEEK, **settings) == 0
    assert project.account("weekly/2") == {"accepted": 4 + more}


CANARY = {"DIGEST_DELIVERY__CANARY": "0.1", "DIGEST_DELIVERY__CANARY_WAIT": "30m"}


def wait_is_over(project: Project) -> None:
    """Half an hour of real time passes."""
    with project.app() as app, app.store.writing() as connection:
        connection.execute(update(tables.issue).values(canary_until=datetime.now(UTC) - timedelta(seconds=1)))


def test_the_canary_goes_out_and_after_a_wait_the_rest(project: Project) -> None:
    everybody = people(project, 40)
    project.offer(article("a"))
    for _ in range(3):
        got = project.command("run", "--now", NOW, **CANARY)
        assert got.returncode == 0
        assert "the canary went out; the rest follows after" in got.stdout
        assert sum(arrived(project).values()) == 4
        assert project.account("weekly/1") == {"accepted": 4, "planned": 36}
    wait_is_over(project)
    assert project.code(MONDAY, **CANARY) == 0
    assert arrived(project) == Counter(dict.fromkeys(everybody, 1))
    assert project.issue("weekly/1").state == "sent"


def test_a_short_wait_is_made_by_the_same_run(project: Project) -> None:
    everybody = people(project, 12)
    project.offer(article("a"))
    assert project.code(**CANARY | {"DIGEST_DELIVERY__CANARY_WAIT": "0s"}) == 0
    assert arrived(project) == Counter(dict.fromkeys(everybody, 1))


def test_a_canary_that_is_refused_stops_the_issue_until_a_person_lets_it_go_on(tmp_path: Path) -> None:
    def refusing(now: Now) -> React | None:
        return React("550 5.1.1 no such user") if now.moment == "RCPT" and len(gone) < 2 and not gone.add(now.line) else None  # type: ignore[func-returns-value]

    gone: set[str] = set()
    with a_project(tmp_path, refusing) as project:
        people(project, 40)
        project.offer(article("a"))
        assert project.code(**CANARY) == 1
        wait_is_over(project)
        got = project.command("run", "--now", NOW, **CANARY)
        assert got.returncode == 3
        assert "the canary: 2 of the first 4 were refused, bounced or complained; more than 5.0%" in got.stdout
        assert project.account("weekly/1") == {"accepted": 2, "rejected": 2, "planned": 36}
        assert project.command("issues", "resume", "weekly/1").returncode == 0
        assert project.code(MONDAY, **CANARY) in {0, 1}
        assert project.account("weekly/1") == {"accepted": 38, "rejected": 2}


def test_a_canary_is_never_exceeded_by_requests_that_carry_many(project: Project) -> None:
    people(project, 40)
    project.offer(article("a"))
    with SendGridStub(api_key="SG.k") as stub:
        through = {
            "DIGEST_DELIVERY__PROVIDER": "sendgrid",
            "DIGEST_PROVIDERS__SENDGRID__API_KEY": "SG.k",
            "DIGEST_PROVIDERS__SENDGRID__HOST": stub.url,
            "DIGEST_DELIVERY__BATCH": "3",
            "DIGEST_DELIVERY__CONCURRENCY": "4",
        }
        assert project.code(**CANARY, **through) == 0
        assert len(stub.recipients) == 4
        wait_is_over(project)
        assert project.code(**CANARY, **through) == 0
        assert len(stub.recipients) == len(set(stub.recipients)) == 40


def test_a_canary_whose_process_died_is_completed_and_not_begun_again(project: Project) -> None:
    people(project, 40)
    project.offer(article("a"))
    assert project.code(**CANARY) == 0
    with project.app() as app, app.store.writing() as connection:  # it died before it wrote down until when to wait
        connection.execute(update(tables.issue).values(canary_until=None))
    assert project.code(**CANARY) == 0
    assert sum(arrived(project).values()) == 4


def test_what_was_not_handed_over_in_time_is_still_of_the_canary_and_of_the_days_quota(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[datetime] = []

    def late_at_first(turns: Turns, deadline: datetime) -> bool:
        asked.append(deadline)
        return len(asked) > 3

    everybody = people(project, 40)
    project.offer(article("a"))
    monkeypatch.setattr(Turns, "_is_in_time", late_at_first)
    crowded = CANARY | {"DIGEST_DELIVERY__CONCURRENCY": "6", "DIGEST_PROVIDERS__SMTP__DAILY_QUOTA": "30"}
    assert project.code(**crowded) == 0
    assert sum(arrived(project).values()) == 4
    assert project.account("weekly/1")["accepted"] == 4
    wait_is_over(project)
    project.code(**crowded)
    assert sum(arrived(project).values()) == 30
    yesterday(project)
    assert project.code(MONDAY, **crowded) == 0
    assert arrived(project) == Counter(dict.fromkeys(everybody, 1))


def yesterday(project: Project) -> None:
    """A day passes: what was counted for today is of another day."""
    day = tables.provider_day.c
    with project.app() as app, app.store.writing() as connection:
        for found in connection.execute(select(day.day).order_by(day.day)).scalars().all():
            before = (datetime.fromisoformat(found) - timedelta(days=1)).date().isoformat()
            connection.execute(update(tables.provider_day).where(day.day == found).values(day=before))


def test_what_is_above_the_days_quota_goes_out_the_next_day(project: Project) -> None:
    everybody = people(project, 25)
    project.offer(article("a"))
    quota = {"DIGEST_PROVIDERS__SMTP__DAILY_QUOTA": "10"}
    for day, so_far in enumerate((10, 20, 25)):
        for _ in range(2):
            got = project.command("run", "--now", (MONDAY + timedelta(days=day)).isoformat(), **quota)
            assert sum(arrived(project).values()) == so_far
            if so_far < 25:
                assert got.returncode == 1
                assert "today's quota of 10 of smtp is used up; the rest goes out from 00:00 UTC on" in got.stdout
        yesterday(project)
    assert arrived(project) == Counter(dict.fromkeys(everybody, 1))


def test_a_new_provider_is_warmed_up_day_by_day(project: Project) -> None:
    people(project, 30)
    project.offer(article("a"))
    warm_up = {"DIGEST_PROVIDERS__SMTP__WARM_UP": "[2, 5, 11]"}
    seen = []
    for day in range(4):
        project.code(MONDAY + timedelta(days=day), **warm_up)
        seen.append(sum(arrived(project).values()))
        yesterday(project)
    assert seen == [2, 7, 18, 30]


def test_a_quota_counts_what_was_tried_also_when_it_was_refused_and_nothing_else(tmp_path: Path) -> None:
    def busy(now: Now) -> React | None:
        return React("450 4.2.1 busy") if now.moment == "RCPT" and now.message <= 3 else None

    with a_project(tmp_path, busy) as project:
        people(project, 8)
        project.leave("u0@x.example")
        project.offer(article("a"))
        project.code(DIGEST_PROVIDERS__SMTP__DAILY_QUOTA="5")
        day = tables.provider_day.c
        with project.app() as app, app.store.reading() as connection:
            assert connection.execute(select(day.provider, day.attempts)).all() == [("smtp", 5)]
        assert sum(project.account("weekly/1").values()) == 7


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("DIGEST_DELIVERY__CANARY", "1.5", "less than 1"),
        ("DIGEST_DELIVERY__CANARY_BOUND", "-1", "at least 0"),
        ("DIGEST_DELIVERY__AUDIENCE_FACTOR", "many", "number"),
        ("DIGEST_PROVIDERS__SMTP__DAILY_QUOTA", "-1", "at least 0"),
        ("DIGEST_PROVIDERS__SMTP__WARM_UP", "[0]", "at least 1"),
    ],
)
def test_a_guard_that_is_configured_wrongly_is_one_line(project: Project, key: str, value: str, said: str) -> None:
    got = project.command("run", **{key: value})
    assert got.returncode == 2
    (line,) = got.stderr.splitlines()
    assert said in line.lower()
