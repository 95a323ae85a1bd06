"""Issues outside the slots: a special issue, and a correction. What somebody had by them does not come again; nobody's window moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update

from digest.app import publishing, running
from digest.audience.had_already import remember
from digest.delivery.welcoming import actor_of
from digest.insights.coverage import audit
from digest.store import tables
from tests.journeys.project import BEGAN, MONDAY, WEEK, Project, article
from tests.journeys.test_editors import html_of

SATURDAY = BEGAN + timedelta(days=1)
SUNDAY = BEGAN + timedelta(days=2)
FIRST = datetime(2026, 12, 1, 9, tzinfo=UTC)


def done(project: Project, *command: str, at: datetime = SATURDAY) -> str:
    """A command that goes well; what it says."""
    said = project.command(*command, "--now", at.isoformat())
    assert said.returncode == 0, said.stderr
    return said.stdout


def points(project: Project) -> list[tuple[int, str]]:
    """How far each subscription has been considered, and what it is owed."""
    row = tables.subscription.c
    with project.app() as app, app.store.reading() as connection:
        return [(one.coverage, one.owed) for one in connection.execute(select(row.coverage, row.owed).order_by(row.id))]


def sound(project: Project) -> None:
    """Nothing that was promised of coverage is broken by any issue, and no two mails have the same id."""
    with project.app() as app, app.store.reading() as connection:
        assert [audit(connection, issue) for issue in project.issues()] == [()] * len(project.issues())
    readers = {one.rcpt_to for one in project.sink.arrived}
    ids = [mail["Message-ID"] for reader in readers for mail in project.mails(reader)]
    assert len(set(ids)) == len(ids) == len(project.sink.arrived)


def test_a_special_issue_goes_to_every_frequency_and_no_slot_brings_its_articles_again(project: Project) -> None:
    project.configure('schedule = "0 9 * * 1"', 'schedule = { weekly = "0 9 * * 1", monthly = "0 9 1 * *" }')
    project.offer(article("a"), article("b", tags=("databases",)))
    project.join("ann@x.example")
    project.join("bob@x.example", "databases", frequency="monthly")
    done(project, "articles", "fetch")
    before = points(project)
    assert "weekly/1: draft" in done(project, "issues", "special", "weekly")
    assert project.sink.arrived == []
    done(project, "issues", "approve", "weekly/1")
    project.run(SATURDAY)
    assert sorted(project.read("ann@x.example")[0]) == ["a", "b"]
    assert project.read("bob@x.example") == [["b"]]
    assert points(project) == before
    assert (project.issue("weekly/1").frequency, project.account("weekly/1")) == ("special", {"accepted": 2})
    project.join("new@x.example", at=SUNDAY)
    project.offer(article("a"), article("b", tags=("databases",)), article("c", tags=("databases",)))
    project.run(MONDAY)
    assert project.read("ann@x.example")[1:] == [["c"]]
    project.run(FIRST)
    assert project.read("bob@x.example")[1:] == [["c"]]
    assert sorted(project.read("new@x.example")[0]) == ["a", "b", "c"]
    sound(project)


def test_what_a_special_issue_did_not_bring_comes_with_the_next_slot_and_once(project: Project) -> None:
    project.offer(article("a"), article("b"))
    project.join("ann@x.example")
    done(project, "articles", "fetch")
    done(project, "issues", "special", "weekly", "--pin", "a", "--only-pinned")
    assert project.reasons("weekly/1") == {"Title a": "pinned", "Title b": "excluded"}
    done(project, "issues", "approve", "weekly/1")
    project.plan(SATURDAY)
    done(project, "issues", "pause", "weekly/1")
    project.run(MONDAY)  # who may yet get it by the special issue does not get it twice
    assert project.read("ann@x.example") == [["b"]]
    done(project, "issues", "cancel", "weekly/1", at=MONDAY)
    project.run(MONDAY + WEEK)
    assert project.read("ann@x.example") == [["b"], ["a"]]
    project.run(MONDAY + 2 * WEEK)
    assert project.everything_read("ann@x.example") == {"a": 1, "b": 1}
    sound(project)


def test_two_special_issues_of_a_minute_are_two_and_one_without_articles_is_none(project: Project) -> None:
    project.join("ann@x.example")
    nothing = project.command("issues", "special", "weekly", "--now", SATURDAY.isoformat())
    assert (nothing.returncode, project.issues()) == (3, [])
    named = project.command("issues", "special", "weekly", "--only-pinned", "--now", SATURDAY.isoformat())
    assert (named.returncode, "which articles?" in named.stderr) == (2, True)
    project.offer(article("a"))
    done(project, "articles", "fetch")
    for _ in range(2):
        done(project, "issues", "special", "weekly")
    assert [(one.number, one.slot) for one in project.issues()] == [(1, "2026-11-21T12:00"), (2, "2026-11-21T12:01")]


def test_a_correction_goes_to_exactly_those_who_were_sent_the_issue(project: Project) -> None:
    project.offer(article("a"))
    everybody = ("ann", "bob", "cem", "dan", "eve")
    for name in everybody:
        project.join(f"{name}@x.example")
    project.run(MONDAY)
    states = {"bob": ("unknown", None), "cem": ("rejected", None), "dan": ("accepted", "bounced")}
    row = tables.delivery.c
    with project.app() as app, app.store.writing() as connection:
        people = dict(connection.execute(select(tables.subscriber.c.email, tables.subscriber.c.id)).all())
        for name, (state, reported) in states.items():
            mine = update(tables.delivery).where(row.subscriber_id == people[f"{name}@x.example"])
            connection.execute(mine.values(state=state, reported=reported))
        person = tables.subscriber.c
        connection.execute(update(tables.subscriber).where(person.email == "bob@x.example").values(language="de"))
    project.leave("eve@x.example")
    project.join("new@x.example", at=MONDAY)
    project.join("welcomed@x.example", at=MONDAY)
    with project.app() as app, app.store.writing() as connection:
        welcomed = connection.execute(
            select(tables.subscriber.c.id).where(tables.subscriber.c.email == "welcomed@x.example")
        ).scalar_one()
        remember(connection, [(1, welcomed)], actor=actor_of(project.issue("weekly/1")), now=MONDAY)
    (project.folder / "wrong.md").write_text("It is **four**, not five.", encoding="utf-8")
    before, later = points(project), MONDAY + timedelta(hours=2)
    text = ("--subject", "Correction: four", "--text", "wrong.md")
    done(project, "issues", "correct", "weekly/1", *text, at=later)
    done(project, "issues", "approve", "weekly/2", at=later)
    shown = done(project, "preview", "weekly/2", "--subscriber", "ann@x.example", "--text", at=later)
    assert "It is" in shown
    refused = project.command("preview", "weekly/2", "--subscriber", "new@x.example", "--now", later.isoformat())
    assert (refused.returncode, "holds nothing for new@x.example" in refused.stderr) == (3, True)
    project.sink.arrived.clear()
    project.run(later)
    assert sorted(one.rcpt_to for one in project.sink.arrived) == ["ann@x.example", "bob@x.example", "welcomed@x.example"]
    assert ['lang="de"' in html_of(project.mails(f"{name}@x.example")[-1]) for name in ("ann", "bob")] == [False, True]
    mail = project.mails("ann@x.example")[-1]
    part = mail.get_body(("plain",))
    assert part is not None
    assert (mail["Subject"], "four" in part.get_content(), project.read("ann@x.example")) == ("Correction: four", True, [[]])
    assert (project.account("weekly/2"), project.issue("weekly/2").state) == ({"accepted": 3}, "sent")
    assert points(project) == before
    with project.app(later) as app:
        (public,) = [one for one in publishing.published(app) if one.number == 2]
        page = publishing.read(app, public)
        assert page is not None
        assert "four" in page.html
    project.offer(article("a"), article("b"))
    project.run(MONDAY + WEEK)
    assert project.read("ann@x.example")[-1] == ["b"]


def test_an_issue_that_is_still_being_sent_is_not_corrected_and_one_that_nobody_got_neither(project: Project) -> None:
    project.offer(article("a"))
    project.join("ann@x.example")
    (project.folder / "wrong.md").write_text("It is four.", encoding="utf-8")
    text = ("--subject", "Correction", "--text", "wrong.md", "--now", MONDAY.isoformat())
    done(project, "issues", "draft", "weekly", at=MONDAY)
    draft = project.command("issues", "correct", "weekly/1", *text)
    assert (draft.returncode, "was sent to nobody" in draft.stderr) == (3, True)
    project.plan(MONDAY)
    done(project, "issues", "pause", "weekly/1", at=MONDAY)
    assert project.command("issues", "correct", "weekly/1", *text).returncode == 0
    done(project, "issues", "approve", "weekly/2", at=MONDAY)
    with project.app(MONDAY) as app:
        notes = {one.issue.name: one.note for one in running.run(app, None, lambda _: None).handled}
    assert "still being sent" in notes["weekly/2"] or "nobody" in notes["weekly/2"]
    assert project.sink.arrived == []
