"""Editors who approve late, early, twice or not at all, who skip and cancel: nobody gets an article twice, none is lost."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from email.message import EmailMessage

import pytest

from digest.app import issuing
from digest.app.editing import Wish, edit
from digest.app.fetching import fetch
from digest.app.sending import send, send_locked
from digest.app.testing_sends import send_test
from digest.errors import Refused
from digest.rendering.content import NoteContent
from tests.journeys.project import MONDAY, WEEK, Project, article

NOW = MONDAY.isoformat()
NEXT = MONDAY + WEEK
HOUR = timedelta(hours=1)


def html_of(mail: EmailMessage) -> str:
    """The HTML part, decoded, its line ends as they were carried."""
    part = mail.get_body(("html",))
    assert part is not None
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()


def draft(project: Project, at: datetime) -> None:
    """Somebody drafts the coming issue."""
    with project.app(at) as app:
        newsletter = app.settings.newsletters[0]
        (frequency,) = newsletter.frequencies
        fetch(app)
        issuing.draft(app, newsletter, frequency, issuing.coming_slot(app, newsletter, frequency), "test")


def approve(project: Project, name: str, at: datetime) -> None:
    """Somebody approves an issue."""
    with project.app(at) as app:
        issuing.approve(app, issuing.named(app, name), "test")


def needs_approval(project: Project) -> None:
    """Ann reads a newsletter whose issues somebody has to approve."""
    project.configure('approval = "automatic"', 'approval = "required"')
    project.join("ann@x.example")
    project.offer(article("a"))


@pytest.mark.parametrize("order", [("weekly/1", "weekly/2"), ("weekly/2", "weekly/1")])
def test_two_issues_that_wait_for_an_approval_repeat_nothing_in_whatever_order_they_are_approved(
    project: Project, order: tuple[str, str]
) -> None:
    needs_approval(project)
    project.run(MONDAY)
    project.offer(article("a"), article("b", at=MONDAY + HOUR))
    project.run(NEXT)
    assert [(issue.name, issue.state) for issue in project.issues()] == [("weekly/1", "held"), ("weekly/2", "held")]
    for hours, name in enumerate(order, 1):
        approve(project, name, NEXT + hours * HOUR)
        project.run(NEXT + hours * HOUR)
    project.run(NEXT + WEEK)
    assert project.everything_read("ann@x.example") == {"a": 1, "b": 1}


def test_an_issue_approved_before_its_slot_waits_for_it(project: Project) -> None:
    needs_approval(project)
    early = MONDAY - 20 * HOUR
    draft(project, early)
    approve(project, "weekly/1", early)
    assert project.code(early + HOUR) == 0
    assert project.mails("ann@x.example") == []
    assert project.code(MONDAY) == 0
    assert project.code(MONDAY + HOUR) == 0
    assert project.read("ann@x.example") == [["a"]]


def test_an_issue_sent_by_hand_before_its_slot_is_not_sent_again_at_it(project: Project) -> None:
    project.join("ann@x.example")
    project.offer(article("a"))
    early = MONDAY - 20 * HOUR
    draft(project, early)
    for _ in range(2):
        sent = project.command("send", "weekly/1", "--now", early.isoformat())
        assert sent.returncode == 0, sent.stderr
    project.run(MONDAY)
    assert project.read("ann@x.example") == [["a"]]


def test_what_arrives_after_a_draft_goes_into_the_next_issue(project: Project) -> None:
    project.join("ann@x.example")
    project.offer(article("a"))
    early = MONDAY - 20 * HOUR
    draft(project, early)
    project.offer(article("a"), article("b", at=early))
    project.run(MONDAY)
    project.run(NEXT)
    assert project.read("ann@x.example") == [["a"], ["b"]]


def test_a_skipped_issues_articles_roll_over_and_it_cannot_be_sent(project: Project) -> None:
    needs_approval(project)
    project.run(MONDAY)
    assert project.command("issues", "skip", "weekly/1", "--reason", "too thin", "--now", NOW).returncode == 0
    for arguments in (("send", "weekly/1"), ("issues", "approve", "weekly/1")):
        refused = project.command(*arguments, "--now", NOW)
        assert refused.returncode == 3
        assert len(refused.stderr.splitlines()) == 1
    listed = json.loads(project.command("issues", "list", "--json").stdout)
    assert [(one["issue"], one["state"], one["reason"]) for one in listed] == [("weekly/1", "skipped", "too thin")]
    project.configure('approval = "required"', 'approval = "automatic"')
    project.offer(article("a"), article("b", at=MONDAY))
    project.run(NEXT)
    assert [sorted(mail) for mail in project.read("ann@x.example")] == [["a", "b"]]


def test_case_10_a_slot_without_news_stands_in_the_list_with_its_reason(project: Project) -> None:
    project.join("ann@x.example")
    project.offer(article("a"))
    project.run(MONDAY)
    assert project.code(NEXT) == 0
    assert project.code(NEXT + HOUR) == 0
    listed = project.command("issues", "list")
    assert "no article qualified and min_articles is 1" in " ".join(listed.stdout.split())
    assert [issue.state for issue in project.issues()] == ["sent", "skipped"]
    assert len(project.mails("ann@x.example")) == 1


def test_who_follows_only_topics_without_news_gets_no_mail_and_is_counted(project: Project) -> None:
    project.join("ann@x.example", "python")
    project.join("sam@x.example", "security")
    project.offer(article("a"))
    project.run(MONDAY)
    assert project.account("weekly/1") == {"accepted": 1, "skipped": 1}
    assert project.mails("sam@x.example") == []
    project.offer(article("a"), article("s", tags=("security",), at=MONDAY))
    project.run(NEXT)
    assert project.read("sam@x.example") == [["s"]]
    assert project.account("weekly/2") == {"accepted": 1, "skipped": 1}


def test_an_issue_cancelled_half_way_gives_its_articles_back_to_those_who_did_not_get_them(project: Project) -> None:
    project.join("ann@x.example")
    project.join("bob@x.example")
    project.offer(article("a"))
    project.plan(MONDAY)
    project.leave("bob@x.example")
    assert project.command("issues", "pause", "weekly/1", "--now", NOW).returncode == 0
    assert project.code(MONDAY + HOUR) == 3
    assert project.mails("ann@x.example") == []
    assert project.command("issues", "cancel", "weekly/1", "--now", NOW).returncode == 0
    assert project.account("weekly/1") == {"cancelled": 2}
    project.run(MONDAY + HOUR)
    assert project.mails("ann@x.example") == []
    project.offer(article("a"), article("b", at=MONDAY))
    project.run(NEXT)
    assert project.read("ann@x.example") == [["a", "b"]]
    assert project.mails("bob@x.example") == []


def test_who_leaves_and_comes_back_gets_nothing_twice(project: Project) -> None:
    project.join("ann@x.example")
    project.offer(article("a"))
    project.run(MONDAY)
    project.leave("ann@x.example", at=MONDAY + HOUR)
    project.offer(article("a"), article("b", at=MONDAY))
    project.join("bob@x.example", at=MONDAY + HOUR)
    project.run(NEXT)
    assert len(project.mails("ann@x.example")) == 1
    project.join("ann@x.example", at=NEXT + HOUR)
    project.offer(article("a"), article("b", at=MONDAY), article("c", at=NEXT))
    project.run(NEXT + WEEK)
    got = project.everything_read("ann@x.example")
    assert max(got.values()) == 1
    assert {"a", "c"} <= set(got)


def test_case_29_a_template_that_stays_broken_until_the_next_slot_loses_nothing(project: Project) -> None:
    project.join("ann@x.example")
    project.offer(article("a"))
    template = project.folder / "templates" / "partials" / "lead.mjml"
    good = template.read_text(encoding="utf-8")
    template.write_text(good.replace("{{ article.title }}", "{{ article.titel }}", 1), encoding="utf-8")
    assert project.code(MONDAY) == 3
    assert project.code(MONDAY + HOUR) == 3  # said again by every run
    sent = project.command("send", "weekly/1", "--now", NOW)
    assert (sent.returncode, len(sent.stderr.splitlines())) == (3, 1)
    template.write_text(good, encoding="utf-8")
    project.offer(article("a"), article("b", at=MONDAY))
    project.run(NEXT)
    project.run(NEXT + HOUR)
    assert project.everything_read("ann@x.example") == {"a": 1, "b": 1}


def test_a_preview_is_byte_for_byte_the_html_that_arrived_for_each_reader(project: Project) -> None:
    topics = {"ann@x.example": "python", "eve@x.example": ""}
    for email, followed in topics.items():
        project.join(email, followed)
    project.offer(article("a", title="Ünïcode & <co>"), article("b", tags=("databases",)))
    project.run()
    for email in topics:
        shown = project.command("preview", "weekly/1", "--subscriber", email, "--out", "shown.html")
        assert shown.returncode == 0, shown.stderr
        preview = (project.folder / "shown.html").read_bytes().decode()
        assert preview.splitlines() == html_of(project.mails(email)[0]).splitlines()
        assert email in preview


def test_an_edit_between_the_approval_and_the_first_message_is_not_overlooked_by_who_has_read_the_approval(
    project: Project,
) -> None:
    """The race itself: a send has read that the issue is approved, and looks at its checks; then somebody edits it."""
    needs_approval(project)
    project.offer(article("a"), article("b"))
    draft(project, MONDAY)
    approve(project, "weekly/1", MONDAY)
    with project.app(MONDAY) as app:
        approved = issuing.named(app, "weekly/1")
        edited = project.command("issues", "edit", "weekly/1", "--exclude", "b", "--now", NOW)
        assert edited.returncode == 0, edited.stderr
        with pytest.raises(Refused, match="weekly/1 cannot be sent"):
            send_locked(app, approved, lambda _: None, approved_now=True)
    refused = project.command("send", "weekly/1", "--now", NOW)
    assert (refused.returncode, len(refused.stderr.splitlines())) == (3, 1)
    assert project.mails("ann@x.example") == []
    assert project.account("weekly/1") == {}
    approve(project, "weekly/1", MONDAY)
    assert project.command("send", "weekly/1", "--now", NOW).returncode == 0
    assert project.read("ann@x.example") == [["a"]]


def test_a_test_mail_is_of_what_was_looked_at_or_is_not_sent(project: Project) -> None:
    needs_approval(project)
    draft(project, MONDAY)
    with project.app(MONDAY) as app:
        looked_at = issuing.named(app, "weekly/1")
        edit(app, "weekly/1", Wish(note=NoteContent("Hello.")), "maja")
        with pytest.raises(Refused, match="was changed meanwhile"):
            send_test(app, looked_at, "maja@x.example")
    assert project.mails("maja@x.example") == []


def test_of_an_edit_and_a_send_at_once_one_wins_and_nothing_else_than_what_was_approved_goes_out(project: Project) -> None:
    needs_approval(project)
    project.offer(article("a"), article("b"))
    draft(project, MONDAY)
    approve(project, "weekly/1", MONDAY)
    with project.app(MONDAY) as app, ThreadPoolExecutor(2) as threads:
        sending = threads.submit(lambda: send(app, issuing.named(app, "weekly/1"), lambda _: None))
        editing = threads.submit(lambda: edit(app, "weekly/1", Wish(exclude=["b"]), "maja"))
        errors = [one.exception() for one in (sending, editing)]
    assert [isinstance(one, Refused) for one in errors].count(True) == 1, errors
    sent = errors[0] is None
    assert [sorted(mail) for mail in project.read("ann@x.example")] == ([["a", "b"]] if sent else [])
    assert project.issue("weekly/1").state == ("sent" if sent else "draft")
