"""Preview, dry run, test send and sending are one: the same bytes, what was approved, and nothing else."""

from __future__ import annotations

import json
from datetime import timedelta
from email import policy
from email.parser import BytesParser

import pytest
from sqlalchemy import update

from digest.rendering import confined
from digest.store import tables
from tests.journeys.project import BEGAN, MONDAY, WEEK, Project, article

NOW = MONDAY.isoformat()


def without_date(message: bytes) -> bytes:
    """A message without its Date line."""
    head, _, body = message.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Date:")]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def test_what_a_dry_run_writes_is_what_smtp_carries_date_aside(project: Project) -> None:
    for number, topics in enumerate(("", "python", "databases", "python databases")):
        project.join(f"u{number}@x.example", topics)
    project.offer(article("a"), article("b", tags=("databases",)), article("c", tags=("security",), featured=True))
    assert project.command("run", "--dry-run", "--all", "--now", NOW).returncode == 0
    folder = project.folder / "outbox" / "weekly-1"
    written = sorted(without_date(file.read_bytes()) for file in (folder / "messages").glob("*.eml"))
    project.run()
    carried = sorted(without_date(one.message) for one in project.sink.arrived)
    assert written == carried
    assert len(written) == 4
    summary = json.loads((folder / "summary.json").read_bytes())
    assert (summary["renditions"], summary["deliveries"], summary["number"]) == (4, 4, 1)
    assert summary["content_hash"] == project.issue("weekly/1").content_hash


def test_a_preview_is_the_mail_that_arrived(project: Project) -> None:
    project.join("ann@x.example", "python")
    project.offer(article("a"), article("b", tags=("databases",)))
    project.run()
    shown = project.command("preview", "weekly/1", "--subscriber", "ann@x.example", "--out", "shown.html")
    assert shown.returncode == 0, shown.stderr
    part = project.mails("ann@x.example")[0].get_body(("html",))
    assert part is not None
    carried = part.get_content().replace("\r\n", "\n")
    assert (project.folder / "shown.html").read_text(encoding="utf-8").rstrip("\n") == carried.rstrip("\n")


def test_a_test_send_has_inert_links_and_leaves_no_delivery(project: Project) -> None:
    project.join("ann@x.example")
    project.offer(article("a"))
    assert project.command("issues", "draft", "weekly", "--now", NOW).returncode == 0
    sent = project.command("send", "weekly/1", "--test-to", "editor@x.example", "--now", NOW)
    assert sent.returncode == 0, sent.stderr
    (mail,) = project.mails("editor@x.example")
    assert mail["Subject"].startswith("[Test] ")
    assert "news.backend.example/unsubscribe" not in str(mail)
    assert project.account("weekly/1") == {}


def test_an_issue_that_needs_an_approval_is_held_until_it_has_one(project: Project) -> None:
    project.configure('approval = "automatic"', 'approval = "required"')
    project.join("ann@x.example")
    project.offer(article("a"))
    assert project.code() == 0
    assert (project.issue("weekly/1").state, project.issue("weekly/1").reason) == ("held", "it waits for an approval")
    refused = project.command("send", "weekly/1", "--now", NOW)
    assert (refused.returncode, project.mails("ann@x.example")) == (3, [])
    assert project.command("issues", "approve", "weekly/1", "--now", NOW).returncode == 0
    assert project.code(MONDAY + timedelta(hours=1)) == 0
    assert project.read("ann@x.example") == [["a"]]


def test_a_draft_made_by_hand_goes_out_at_its_slot_and_not_before(project: Project) -> None:
    project.join("ann@x.example")
    project.offer(article("a"))
    early = MONDAY - timedelta(hours=20)
    assert project.command("issues", "draft", "weekly", "--now", early.isoformat()).returncode == 0
    project.run(early + timedelta(hours=1))
    assert project.mails("ann@x.example") == []
    project.run()
    project.run(MONDAY + WEEK)
    assert project.read("ann@x.example") == [["a"]]


def test_a_draft_of_nothing_is_refused_and_does_not_cost_the_slot_its_issue(project: Project) -> None:
    project.join("ann@x.example")
    early = MONDAY - timedelta(hours=20)
    refused = project.command("issues", "draft", "weekly", "--now", early.isoformat())
    assert refused.returncode == 3
    assert "nothing was drafted" in refused.stderr
    project.offer(article("a"))
    project.run()
    assert project.read("ann@x.example") == [["a"]]


def test_what_was_changed_after_its_approval_is_not_sent(project: Project) -> None:
    project.configure('approval = "automatic"', 'approval = "required"')
    project.join("ann@x.example")
    project.offer(article("a"))
    project.run()
    assert project.command("issues", "approve", "weekly/1", "--now", NOW).returncode == 0
    with project.app() as app, app.store.writing() as connection:
        blocks = tables.issue_blocks
        old = connection.execute(blocks.select()).one().blocks
        connection.execute(update(blocks).values(blocks=old.replace(b"What a is about", b"What x is about")))
    refused = project.command("send", "weekly/1", "--now", NOW)
    assert (refused.returncode, project.mails("ann@x.example")) == (3, [])
    assert "not what was approved" in refused.stderr


def test_an_issue_that_is_refused_stops_itself_alone_and_is_told_once(project: Project) -> None:
    project.configure(
        '[[newsletters]]\nslug = "weekly"',
        '[[newsletters]]\nslug = "other"\ntitle = "Other"\nschedule = "0 9 * * 1"\n'
        '[newsletters.topics]\npython = { title = "Python", tags = ["python"] }\n\n[[newsletters]]\nslug = "weekly"',
    )
    project.join("ann@x.example")  # the other one
    bob = ("subscribers", "add", "bob@x.example", "--newsletter", "weekly", "--confirmed", "--now", BEGAN.isoformat())
    assert project.command(*bob).returncode == 0
    project.offer(article("a"))
    assert project.command("issues", "draft", "other", "--now", BEGAN.isoformat()).returncode == 0
    assert project.command("issues", "approve", "other/1", "--now", BEGAN.isoformat()).returncode == 0
    with project.app() as app, app.store.writing() as connection:
        connection.execute(update(tables.issue).values(content_hash="another"))
    ran = project.run()
    assert [(one.issue.name, one.refused) for one in ran.handled] == [("other/1", True), ("weekly/1", False)]
    assert "changed after its approval" in ran.handled[0].note
    assert (project.read("ann@x.example"), project.read("bob@x.example")) == ([], [["a"]])


def test_case_29_a_template_that_is_broken_on_the_day_holds_the_issue_and_names_the_line(project: Project) -> None:
    project.join("ann@x.example")
    project.offer(article("a"))
    template = project.folder / "templates" / "partials" / "lead.mjml"
    good = template.read_text(encoding="utf-8")
    template.write_text(good.replace("{{ article.title }}", "{{ article.titel }}", 1), encoding="utf-8")
    line = next(number for number, text in enumerate(template.read_text().splitlines(), 1) if "titel" in text)
    held = project.command("run", "--now", NOW)
    assert held.returncode == 3
    assert f"partials/lead.mjml, line {line}" in held.stdout + held.stderr
    assert project.issue("weekly/1").state == "held"
    assert project.account("weekly/1") == {}
    template.write_text(good, encoding="utf-8")
    assert project.code(MONDAY + timedelta(hours=1)) == 0
    assert project.read("ann@x.example") == [["a"]]


@pytest.mark.parametrize(
    ("put", "said"),
    [
        ("<div>" * 9_000 + "</div>" * 9_000, "tags stand more than 500 deep in one another"),
        ('<mj-include path="partials/lead.mjml" />', "partials/lead.mjml includes itself"),
        ("{{ 'x'.ljust(10**10) }}", "it needs too much memory"),
        ("{% for a in 'x'.ljust(100000) %}" * 3 + "{% endfor %}" * 3, "had not finished after 3 seconds"),
    ],
    ids=["nesting", "circle", "memory", "loop"],
)
def test_case_29_a_template_that_would_take_the_run_with_it_holds_the_issue_as_well(
    project: Project, monkeypatch: pytest.MonkeyPatch, put: str, said: str
) -> None:
    if "seconds" in said:
        monkeypatch.setattr(confined, "DEADLINE", 3.0)
    project.join("ann@x.example")
    project.offer(article("a"))
    template = project.folder / "templates" / "partials" / "lead.mjml"
    good = template.read_text(encoding="utf-8")
    template.write_text(good.replace("<mj-text>", f"<mj-text>\n{put}\n", 1), encoding="utf-8")
    held = project.command("run", "--now", NOW)
    assert held.returncode == 3
    assert said in held.stdout + held.stderr
    assert "templates/" in held.stdout + held.stderr
    assert project.issue("weekly/1").state == "held"
    assert project.account("weekly/1") == {}


def test_hostile_titles_inject_nothing(project: Project) -> None:
    project.join("ann@x.example")
    bad = "=?utf-8?q?Hi=0D=0ABcc:_evil@x.y?="
    project.configure('template = "weekly"', 'template = "weekly"\nsubject = "{{ newsletter.title }}"')
    project.configure('title = "Backend Weekly"', f'title = "{bad}"')
    project.offer(
        article("a", title=bad), article("b", title="Nul \x00 and \x0b tab"), article("c", title="<script>x</script>Bold")
    )
    project.run()
    (mail,) = project.mails("ann@x.example")
    raw = next(one.message for one in project.sink.arrived)
    names = [name.lower() for name, _ in BytesParser(policy=policy.compat32).parsebytes(raw).items()]
    assert "bcc" not in names
    assert len(names) == len(set(names))
    assert project.read("ann@x.example") == [["c", "b", "a"]]
    assert mail.defects == []
