"""What is old is thrown away once a day, where somebody wants that, and nothing else ever."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, update

from digest.app.retaining import Retained, retain
from digest.delivery.outbox_keeping import throw_away
from digest.store import tables
from tests.journeys.project import BEGAN, MONDAY, Project, a_project, article

pytestmark = pytest.mark.usefixtures("database")
DAY = timedelta(days=1)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with a_project(tmp_path) as made:
        yield made


def wants(project: Project, *lines: str) -> None:
    project.configure("[[sources]]", "\n".join(("[retention]", *lines, "", "[[sources]]")))


def told(project: Project) -> None:
    """Somebody reports of the first issue."""
    event = {
        "issue_id": 1,
        "subscriber_id": 1,
        "attempt": 1,
        "occurred_at": MONDAY,
        "provider": "smtp",
        "received_at": MONDAY,
    }
    rows = [event | {"kind": "delivered", "provider_message_id": f"m{number}"} for number in range(3)]
    with project.app() as app, app.store.writing() as connection:
        connection.execute(insert(tables.event), rows)
        connection.execute(update(tables.delivery).values(reported="delivered"))


def many(project: Project, table: str) -> int:
    with project.app() as app, app.store.reading() as connection:
        return connection.execute(select(func.count()).select_from(tables.metadata.tables[table])).scalar_one()


def test_by_default_everything_is_kept(project: Project) -> None:
    project.join("ann@x.example")
    project.leave("ann@x.example")
    with project.app(MONDAY + 5000 * DAY) as app:
        assert retain(app) == Retained()
    assert many(project, "subscriber") == 1


def test_events_of_an_issue_go_as_a_whole_when_it_ended_long_enough_ago_and_what_they_told_of_mails_stays(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digest.app.retaining._EVENTS", 2)
    wants(project, 'events = "30d"')
    project.join("ann@x.example")
    project.offer(article("a"))
    project.run()
    told(project)
    for days, left in ((29, 3), (31, 0)):
        with project.app(MONDAY + days * DAY) as app:
            assert retain(app).events == 3 - left
        assert many(project, "event") == left
    assert project.account("weekly/1") == {"accepted": 1}
    with project.app() as app, app.store.reading() as connection:
        assert list(connection.execute(select(tables.delivery.c.reported)).scalars()) == ["delivered"]


def test_who_left_everything_long_ago_is_erased_once_a_day_and_nobody_else(project: Project) -> None:
    wants(project, 'leavers = "365d"')
    for name in ("gone", "recent", "stays", "back"):
        project.join(f"{name}@x.example")
    project.leave("gone@x.example")
    project.leave("back@x.example")
    project.join("back@x.example")
    project.leave("recent@x.example", at=MONDAY + 300 * DAY)
    with project.app(MONDAY + 366 * DAY) as app:
        assert retain(app).people == 1
    with project.app() as app, app.store.reading() as connection:
        left = connection.execute(select(tables.subscriber.c.address).order_by(tables.subscriber.c.address)).scalars().all()
    assert left == ["back@x.example", "recent@x.example", "stays@x.example"]
    with project.app(MONDAY + 366 * DAY + timedelta(hours=22)) as app:
        assert retain(app) == Retained()  # today's is done
    with project.app(MONDAY + 700 * DAY) as app:
        assert retain(app).people == 1


def test_the_outbox_of_old_dry_runs_goes_and_no_file_of_somebody_else(project: Project) -> None:
    project.join("ann@x.example")
    project.offer(article("a"))
    assert project.command("run", "--dry-run", "--now", MONDAY.isoformat()).returncode == 0
    outbox = project.folder / "outbox"
    folder = outbox / "weekly-1"
    (outbox / "letters").mkdir()
    (outbox / "mine").mkdir()
    kept = [outbox / "mine" / "summary.txt", outbox / "note.eml", folder / "mine.txt", outbox / "letters" / "mine.txt"]
    for path in (*kept, outbox / "letters" / "a.eml"):
        path.write_text("x", encoding="utf-8")
    assert throw_away(outbox, BEGAN) == 0
    old = (BEGAN - 10 * DAY).timestamp()
    for path in outbox.rglob("*"):
        os.utime(path, (old, old))
    assert throw_away(outbox, BEGAN - 11 * DAY) == 0
    assert throw_away(outbox, BEGAN - 9 * DAY) == 2
    assert sorted(path for path in outbox.rglob("*") if path.is_file()) == sorted(kept)
    assert throw_away(project.folder / "nowhere", BEGAN) == 0
