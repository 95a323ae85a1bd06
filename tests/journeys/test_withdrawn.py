"""Case 28: an article is withdrawn after its issue was approved, before, during and between the sending."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from digest.delivery.withdrawal import Withdrawal
from digest.delivery.withdrawal import withdraw as take_out
from digest.store import tables
from digest.testing.smtp_sink import Now, React
from tests.journeys.project import MONDAY, WEEK, Project, a_project, article

NOW = MONDAY.isoformat()
HALF = 12


def withdraw(project: Project, key: str) -> Withdrawal:
    """An editor takes an article out, on a connection of their own."""
    with project.app() as app, app.store.writing() as connection:
        return take_out(connection, key, actor="editor", now=MONDAY)


@dataclass(slots=True)
class Hook:
    """Does something at the final dot of one message, in the middle of a send; every other final dot waits for it."""

    at: int
    act: Callable[[], object] = lambda: None
    reply: str | None = None
    done: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, now: Now) -> React | None:
        if now.moment != "dot":
            return None
        with self.lock:
            if now.message < self.at or self.done:
                return None
            self.done = True
            self.act()
        return None if self.reply is None else React(self.reply)


@contextmanager
def half_sent(folder: Path, hook: Hook, many: int = 2 * HALF) -> Iterator[Project]:
    """Readers of everything, and what happens while they are being sent to."""
    with a_project(folder, hook) as project:
        rows = "".join(f"u{number}@x.example,yes\n" for number in range(many))
        (folder / "people.csv").write_text("email,confirmed\n" + rows, encoding="utf-8")
        assert project.command("subscribers", "import", "people.csv").returncode == 0
        yield project


def all_read(project: Project) -> Counter[tuple[str, ...]]:
    """How many got a mail with just these articles."""
    emails = {one.rcpt_to for one in project.sink.arrived if one.accepted}
    return Counter(tuple(keys) for email in emails for keys in project.read(email))


def owed(project: Project) -> set[str]:
    """Every distinct owed set."""
    with project.app() as app, app.store.reading() as connection:
        return set(connection.execute(select(tables.subscription.c.owed)).scalars())


def lines_of_history(project: Project) -> list[str]:
    """The reasons in the histories of all issues."""
    row = tables.issue_history.c
    with project.app() as app, app.store.reading() as connection:
        found = connection.execute(select(row.actor, row.reason).where(row.reason.is_not(None)).order_by(row.id))
        return [f"{line.actor}: {line.reason}" for line in found]


def approved(project: Project) -> None:
    """A draft that a person has approved, and nothing of it planned."""
    project.configure('approval = "automatic"', 'approval = "required"')
    assert project.command("issues", "draft", "weekly", "--now", NOW).returncode == 0
    assert project.command("issues", "approve", "weekly/1", "--now", NOW).returncode == 0


def test_case_28_what_is_withdrawn_while_it_is_sent_is_left_out_of_the_rest_and_the_approval_stands(tmp_path: Path) -> None:
    hook = Hook(HALF)
    with half_sent(tmp_path, hook) as project:
        hook.act = lambda: withdraw(project, "b")
        project.offer(article("a"), article("b"))
        ran = project.command("run", "--now", NOW)
        assert ran.returncode == 0, ran.stderr
        assert "“Title b” was withdrawn after the freeze, left out from sub-revision 1 on" in ran.stdout
        read = all_read(project)
        assert set(read) == {("b", "a"), ("a",)}
        assert HALF - 1 <= read["b", "a"] <= HALF + 1  # what was in flight on the other connection
        assert project.account("weekly/1") == {"accepted": 2 * HALF}
        issue = project.issue("weekly/1")
        assert (issue.state, issue.sub_revision, issue.approved_hash) == ("sent", 1, issue.content_hash)
        (line,) = [line for line in lines_of_history(project) if line.startswith("editor")]
        assert line == (
            "editor: “Title b” was withdrawn after the freeze, left out from sub-revision 1 on,"
            f" too late for {read['b', 'a']} of {2 * HALF} deliveries"
        )
        assert owed(project) == {""}
        project.offer(article("a"), article("b"), article("c", at=MONDAY))
        project.run(MONDAY + WEEK)
        assert all_read(project)["c",] == 2 * HALF
        assert all(times == 1 for n in range(2 * HALF) for times in project.everything_read(f"u{n}@x.example").values())


def test_each_of_several_connections_goes_on_with_what_remains(tmp_path: Path) -> None:
    hook = Hook(30)
    with half_sent(tmp_path, hook, 300) as project:
        done: list[Withdrawal] = []
        hook.act = lambda: done.extend([withdraw(project, "b"), withdraw(project, "c")])
        project.offer(article("a"), article("b"), article("c"))
        assert project.code(DIGEST_DELIVERY__CONCURRENCY="4") == 0
        assert project.account("weekly/1") == {"accepted": 300}
        read = all_read(project)
        assert set(read) == {("c", "b", "a"), ("a",)}
        assert [one.touched[0].too_late for one in done] == [read["c", "b", "a"]] * 2
        assert 27 <= read["c", "b", "a"] <= 33
        assert project.issue("weekly/1").sub_revision == 2


def test_who_was_deferred_gets_it_without_the_article_and_under_the_same_id(tmp_path: Path) -> None:
    hook = Hook(1, reply="451 4.3.0 try later")
    with half_sent(tmp_path, hook, 1) as project:
        hook.act = lambda: withdraw(project, "b")
        project.offer(article("a"), article("b"))
        assert project.code() == 1
        assert project.account("weekly/1") == {"deferred": 1}
        assert project.command("issues", "pause", "weekly/1").returncode == 0
        assert project.command("issues", "resume", "weekly/1").returncode == 0
        assert project.code() == 0
        assert project.read("u0@x.example") == [["a"]]
        refused, taken = [one.message for one in project.sink.arrived]
        ids = {line for message in (refused, taken) for line in message.split(b"\r\n") if line.startswith(b"Message-ID:")}
        assert len(ids) == 1
        assert b"Title b" in refused
        assert b"Title b" not in taken


def test_nobody_gets_an_empty_mail_when_the_only_article_of_a_rendition_is_withdrawn(tmp_path: Path) -> None:
    hook = Hook(3)
    with a_project(tmp_path, hook) as project:
        hook.act = lambda: withdraw(project, "b")
        for number in range(6):
            project.join(f"p{number}@x.example", "python")
        for number in range(6):
            project.join(f"d{number}@x.example", "databases")
        project.offer(article("a"), article("b", tags=("databases",)))
        assert project.code(DIGEST_DELIVERY__CONCURRENCY="1") == 0
        assert all_read(project) == {("b",): 3, ("a",): 6}
        assert project.account("weekly/1") == {"accepted": 9, "cancelled": 3}
        assert project.issue("weekly/1").state == "sent"
        assert owed(project) == {""}
        told = project.command("explain", "weekly/1", "--subscriber", "d5@x.example")
        assert "was cancelled (its only article was withdrawn); 0 articles chosen" in told.stdout
        assert "“Title b” is not in the mail" in told.stdout
        assert "left out from sub-revision 1 on" in told.stdout
        project.offer(article("a"), article("b", tags=("databases",)), article("c", tags=("databases",), at=MONDAY))
        project.run(MONDAY + WEEK)
        assert (project.read("d0@x.example"), project.read("d5@x.example")) == ([["b"], ["c"]], [["c"]])


def test_who_was_deferred_with_the_only_article_is_cancelled_at_the_next_attempt(tmp_path: Path) -> None:
    hook = Hook(1, reply="451 4.3.0 try later")
    with half_sent(tmp_path, hook, 1) as project:
        hook.act = lambda: withdraw(project, "a")
        project.offer(article("a"))
        assert project.code() == 1
        assert project.command("issues", "pause", "weekly/1").returncode == 0
        assert project.command("issues", "resume", "weekly/1").returncode == 0
        assert project.code() == 0
        assert (project.account("weekly/1"), project.mails("u0@x.example")) == ({"cancelled": 1}, [])
        assert (project.issue("weekly/1").state, owed(project)) == ("sent", {""})


def test_what_is_withdrawn_between_approval_and_plan_is_left_out_and_who_has_nothing_left_is_skipped(project: Project) -> None:
    project.join("ann@x.example", "python databases")
    project.join("dan@x.example", "databases")
    project.offer(article("a"), article("b", tags=("databases",)))
    approved(project)
    said = project.command("articles", "withdraw", "b", "--now", NOW)
    assert said.stdout.splitlines() == [
        "article 2 is withdrawn: Title b",
        "  weekly/1 (approved): withdrawn after the freeze, left out from sub-revision 1 on",
    ]
    again = project.command("articles", "withdraw", "b", "--now", NOW, "--json")
    assert json.loads(again.stdout) == {"article": 2, "title": "Title b", "issues": []}
    assert project.issue("weekly/1").sub_revision == 1
    assert project.code() == 0
    assert (project.read("ann@x.example"), project.mails("dan@x.example")) == ([["a"]], [])
    assert project.account("weekly/1") == {"accepted": 1, "skipped": 1}
    issue = project.issue("weekly/1")
    assert (issue.state, issue.approved_hash) == ("sent", issue.content_hash)
    with project.app() as app, app.store.reading() as connection:
        row = tables.subscription.c
        standing = {(one.coverage, one.owed) for one in connection.execute(select(row.coverage, row.owed))}
        assert standing == {(issue.cutoff, "")}


def test_when_the_lead_is_withdrawn_the_next_featured_article_leads(tmp_path: Path) -> None:
    hook = Hook(2)
    with half_sent(tmp_path, hook, 4) as project:
        hook.act = lambda: withdraw(project, "new")
        project.offer(
            article("old", featured=True, tags=("security",), at=MONDAY - timedelta(days=5)),
            article("plain"),
            article("new", featured=True, at=MONDAY - timedelta(days=4)),
        )
        assert project.code(DIGEST_DELIVERY__CONCURRENCY="1") == 0
        assert all_read(project) == {("new", "plain", "old"): 2, ("old", "plain"): 2}


def test_preview_dry_run_test_send_and_mail_leave_the_same_out_and_say_so(project: Project) -> None:
    project.join("ann@x.example")
    project.offer(article("a"), article("b"))
    approved(project)
    withdraw(project, "b")
    for arguments in (("preview", "weekly/1"), ("preview", "weekly/1", "--subscriber", "ann@x.example")):
        shown = project.command(*arguments, "--text").stdout
        assert ("Title a" in shown, "Title b" in shown) == (True, False)
    assert project.command("send", "weekly/1", "--test-to", "editor@x.example", "--now", NOW).returncode == 0
    assert project.read("editor@x.example") == [["a"]]
    dry = project.command("send", "weekly/1", "--dry-run", "--now", NOW)
    assert "“Title b” was withdrawn after the freeze, left out from sub-revision 1 on" in dry.stdout
    outbox = project.folder / "outbox" / "weekly-1"
    summary = json.loads((outbox / "summary.json").read_bytes())
    assert ([one["title"] for one in summary["articles"]], summary["sub_revision"]) == (["Title a"], 1)
    assert [one["left_out_from"] for one in summary["decisions"]] == [1, None]
    assert "new; withdrawn after the freeze, left out from sub-revision 1 on" in (outbox / "index.html").read_text("utf-8")
    (message,) = (outbox / "messages").glob("*.eml")
    assert b"Title b" not in message.read_bytes()
    shown = project.command("issues", "show", "weekly/1").stdout
    assert "  “Title b” was withdrawn after the freeze, left out from sub-revision 1 on (by editor, " in shown
    assert "Title b" in json.loads(project.command("issues", "show", "weekly/1", "--json").stdout)["left_out"][0]["title"]
    assert project.code() == 0
    assert project.read("ann@x.example") == [["a"]]
    assert "Title b" in project.command("stats", "weekly/1").stdout


def test_a_second_run_changes_nothing_and_what_was_sent_stays_told_as_sent(project: Project) -> None:
    project.join("ann@x.example")
    project.offer(article("a"), article("b"))
    project.run()
    withdraw(project, "b")
    arrived = len(project.sink.arrived)
    assert project.code() == 0
    assert (len(project.sink.arrived), project.issue("weekly/1").sub_revision) == (arrived, 0)
    told = project.command("explain", "weekly/1", "--subscriber", "ann@x.example", "--article", "b").stdout
    assert "is in the mail of ann@x.example: it is new" in told


def test_an_explanation_tells_who_got_it_before_from_who_did_not_get_it_after(tmp_path: Path) -> None:
    hook = Hook(2)
    with half_sent(tmp_path, hook, 4) as project:
        hook.act = lambda: withdraw(project, "b")
        project.offer(article("a"), article("b"))
        assert project.code(DIGEST_DELIVERY__CONCURRENCY="1") == 0
        for number in range(4):
            email = f"u{number}@x.example"
            told = project.command("explain", "weekly/1", "--subscriber", email, "--article", "b").stdout
            assert ("is in the mail" in told) == (project.read(email) == [["b", "a"]])


def test_an_issue_of_which_nothing_remains_is_not_approved(project: Project) -> None:
    project.join("ann@x.example")
    project.offer(article("a"))
    assert project.command("issues", "draft", "weekly", "--now", NOW).returncode == 0
    withdraw(project, "a")
    refused = project.command("run", "--now", NOW)
    assert refused.returncode == 3
    assert "all its articles were withdrawn" in refused.stdout
    assert project.command("issues", "skip", "weekly/1", "--now", NOW).returncode == 0
    assert project.mails("ann@x.example") == []


def test_a_new_revision_of_a_held_issue_is_whole_again(project: Project) -> None:
    project.join("ann@x.example")
    project.offer(article("a"), article("b"))
    template = project.folder / "templates" / "partials" / "lead.mjml"
    good = template.read_text(encoding="utf-8")
    template.write_text(good.replace("{{ article.title }}", "{{ article.titel }}", 1), encoding="utf-8")
    assert project.code() == 3
    withdraw(project, "b")
    assert project.issue("weekly/1").sub_revision == 1
    template.write_text(good, encoding="utf-8")
    assert project.code(MONDAY + timedelta(hours=1)) == 0
    assert (project.issue("weekly/1").revision, project.issue("weekly/1").sub_revision) == (2, 0)
    assert project.read("ann@x.example") == [["a"]]
