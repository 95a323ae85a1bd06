"""Sending from the desk: now, with its name typed; paused, let go on and ended while it goes out; and at another time than its slot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from digest.app import conducting, issuing, outside, running
from digest.app.fetching import fetch
from digest.app.rescheduling import reschedule
from digest.app.sending import send as send_it
from digest.delivery.guarding import AudienceJump
from digest.delivery.halting import halt
from digest.delivery.progress import Progress
from digest.editors import audit
from digest.errors import Refused
from digest.issues.lifecycle import IssueState
from tests.journeys.project import MONDAY, Project, article
from tests.web.conftest import Pages, pages_of
from tests.web.desk.conftest import EDDY, EVERYBODY, come_in
from tests.web.desk.issue import AT, Draft, offer, wrong_in

pytestmark = pytest.mark.sqlite  # the states are the same on both

NAME = "weekly/1"
AHEAD = MONDAY - timedelta(hours=3)


@pytest.fixture
def draft(project: Project) -> Iterator[Draft]:
    """An approved issue, three hours before its slot."""
    offer(project)
    with pages_of(project, AHEAD, **EVERYBODY) as pages:
        yield Draft(pages, come_in(pages, EDDY))


def send(draft: Draft, do: str, **form: str) -> str:
    """Press a button; what the page says is in the way."""
    answer = draft.browser.post(f"{AT}/send", do=do, **({"revision": str(draft.issue.revision)} | form))
    if answer.status_code == 303:
        return ""
    assert answer.status_code in (409, 422), answer.text
    return wrong_in(answer)


def mails(pages: Pages) -> int:
    """How many issues arrived."""
    return sum(len(pages.project.mails(one)) for one in ("ann@x.example", "bob@x.example"))


def test_an_approved_issue_is_sent_now_with_its_name_typed_and_the_slot_brings_no_second_one(draft: Draft) -> None:
    pages, outgoing = draft.pages, draft.pages.outgoing
    assert "it is a draft" in send(draft, "now", name=NAME)
    draft.decide("approve")
    assert f"type {NAME}" in send(draft, "now", name="weekly/2")
    assert draft.issue.send_at is None
    assert send(draft, "now", name=f" {NAME} ") == ""
    assert (draft.issue.state, draft.issue.due_at) == (IssueState.APPROVED, AHEAD)
    assert "It is to go out now." in draft.page()
    with pages.app.store.run_lock():
        outgoing.send_all(pages.app_now())
    assert "works on this database just now" in str(outgoing.waits(NAME))
    assert mails(pages) == 0
    outgoing.send_all(pages.app_now())
    assert (draft.issue.state, mails(pages), outgoing.waits(NAME)) == (IssueState.SENT, 2, None)
    for at in (MONDAY, MONDAY + timedelta(minutes=15)):
        assert running.run(replace(pages.app, now=at), None, lambda _: None).handled == []
    assert mails(pages) == 2
    with pages.app.store.reading() as connection:
        assert ("sent now", NAME) in [(line.act, line.about) for line in audit.newest(connection)]


def test_what_was_wanted_goes_out_with_the_next_run_when_this_process_ends(draft: Draft) -> None:
    draft.decide("approve")
    assert send(draft, "now", name=NAME) == ""
    running.run(draft.pages.app_now(), None, lambda _: None)
    assert (draft.issue.state, mails(draft.pages)) == (IssueState.SENT, 2)


@pytest.mark.parametrize("thought_better", ["slot", "later", "unapprove", "edit"])
def test_what_was_wanted_now_and_thought_better_of_does_not_go_out_before_its_time(draft: Draft, thought_better: str) -> None:
    pages, outgoing = draft.pages, draft.pages.outgoing
    draft.decide("approve")
    assert send(draft, "now", name=NAME) == ""
    with pages.app.store.run_lock():
        outgoing.send_all(pages.app_now())  # another run is at work
    if thought_better == "later":
        assert send(draft, "at", at="2026-11-23T10:30") == ""
    elif thought_better == "slot":
        assert send(draft, "slot") == ""
    elif thought_better == "unapprove":
        draft.decide("unapprove")
    else:
        draft.change("note", note="Good morning.")
        draft.decide("approve")  # and nobody has said that this one is to go out now
    outgoing.send_all(pages.app_now())
    policy = pages.app.settings.newsletters[0].model_copy(update={"approval": "required", "unapproved": "send"})
    running.run(
        replace(pages.app_now(), settings=pages.app.settings.model_copy(update={"newsletters": (policy,)})), None, lambda _: None
    )
    assert (mails(pages), outgoing.waits(NAME)) == (0, None)


def test_a_run_sends_nothing_that_was_put_off_while_it_sent_another_issue(draft: Draft) -> None:
    pages = draft.pages
    draft.decide("approve")
    pages.project.offer(*(article(key) for key in ("x", "y")))
    with pages.project.app(MONDAY) as app:
        fetch(app)
        second = outside.special(app, app.newsletters(None)[0], "ann")
        issuing.approve(app, second, "ann")

        def put_off(progress: Progress) -> None:
            if progress.issue == NAME and issuing.named(app, second.name).send_at is None:
                reschedule(app, second.name, MONDAY + timedelta(days=1), actor="ann")

        running.run(app, None, put_off)
        assert (issuing.named(app, NAME).state, issuing.named(app, second.name).state) == (IssueState.SENT, IssueState.APPROVED)


def test_a_stale_revision_is_not_sent(draft: Draft) -> None:
    draft.decide("approve")
    seen = draft.issue.revision
    draft.change("note", note="Good morning.")
    answer = draft.browser.post(f"{AT}/send", do="now", name=NAME, revision=str(seen))
    assert (answer.status_code, "somebody was there before you" in answer.text) == (409, True)
    assert draft.issue.send_at is None


def test_why_a_wanted_issue_was_not_sent_stands_in_its_history(draft: Draft) -> None:
    draft.decide("approve")
    assert send(draft, "now", name=NAME) == ""
    outgoing, app = draft.pages.outgoing, draft.pages.app_now()
    with app.store.writing() as connection:
        halt(connection, "the relay burns", "ada", app.now)
    outgoing.send_all(app)
    assert outgoing.waits(NAME) is None
    assert "not sent: all sending is halted: the relay burns" in draft.page()


def test_an_audience_far_above_the_last_one_is_asked_about(draft: Draft, monkeypatch: pytest.MonkeyPatch) -> None:
    draft.decide("approve")
    app = draft.pages.app_now()
    settings = app.settings.model_copy(update={"delivery": app.settings.delivery.model_copy(update={"audience_from": 1})})
    wary = replace(app, settings=settings)
    for place in ("digest.delivery.guarding", "digest.app.conducting"):
        monkeypatch.setattr(f"{place}.last_audience", lambda connection, issue: 1)
    now = partial(conducting.send_now, wary, NAME, revision=draft.issue.revision, typed=NAME, actor=EDDY, network=None)
    jump = conducting.question(wary, draft.issue)
    assert jump is not None
    assert jump.audience == 2
    for too_few in (None, 1):
        with pytest.raises(AudienceJump):
            now(audience=too_few)
    assert now(audience=2).audience_confirmed == 2


def test_an_issue_that_another_process_sends_is_paused_let_go_on_and_ended(draft: Draft) -> None:
    pages, outgoing = draft.pages, draft.pages.outgoing
    draft.decide("approve")
    assert "is not paused" in send(draft, "resume")
    assert "no rest" in send(draft, "cancel", name=NAME, reason="wrong")

    def in_the_middle(_: Progress) -> None:
        if draft.issue.state is IssueState.SENDING:
            assert send(draft, "pause", reason="a wrong date") == ""

    send_it(replace(pages.app, now=MONDAY), draft.issue, in_the_middle)
    assert (draft.issue.state, draft.issue.reason) == (IssueState.PAUSED, "a wrong date")
    assert mails(pages) == 0
    page = draft.page()
    assert "Let it go on" in page
    assert 'value="0"' in page
    assert f"type {NAME}" in send(draft, "cancel", name="", reason="wrong")
    assert "say why" in send(draft, "cancel", name=NAME)
    assert send(draft, "resume") == ""
    assert outgoing.waits(NAME) == ""
    issuing.change(pages.app_now(), draft.issue, IssueState.PAUSED, "ann", "again")
    outgoing.send_all(pages.app_now())  # somebody has thought better of it
    assert mails(pages) == 0
    assert send(draft, "cancel", name=NAME, reason="the date was wrong") == ""
    assert (draft.issue.state, draft.issue.settled_at is not None) == (IssueState.CANCELLED, True)
    assert "the date was wrong" in draft.page()


def test_what_is_let_go_on_while_its_sending_still_stops_goes_on(draft: Draft) -> None:
    pages, outgoing = draft.pages, draft.pages.outgoing
    draft.decide("approve")
    assert send(draft, "now", name=NAME) == ""
    seen: list[str | None] = []

    def once_more(_: Progress) -> None:
        if not seen:
            seen.append(outgoing.waits(NAME))
            assert send(draft, "pause") == send(draft, "resume") == ""
            issuing.change(pages.app_now(), draft.issue, IssueState.PAUSED, "ann", "once more")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(conducting, "send_while", lambda app, issue, _: send_it(app, issue, once_more))
        outgoing.send_all(pages.app_now())
    assert (seen, mails(pages), outgoing.waits(NAME)) == ([""], 0, "")
    issuing.resume(pages.app_now(), draft.issue, "ann")
    outgoing.send_all(pages.app_now())
    assert (draft.issue.state, mails(pages), outgoing.waits(NAME)) == (IssueState.SENT, 2, None)


def test_an_issue_goes_out_at_another_time_and_an_approval_stays(draft: Draft) -> None:
    pages = draft.pages
    draft.decide("approve")
    assert "has passed" in send(draft, "at", at="2026-11-23T05:00")
    assert "before the next slot" in send(draft, "at", at="2026-11-30T09:00")
    assert "not a time" in send(draft, "at", at="tomorrow")
    assert send(draft, "at", at="2026-11-23T10:30") == ""
    assert draft.issue.state is IssueState.APPROVED
    assert "goes out 2026-11-23 10:30" in draft.page()
    for at, there in ((MONDAY, 0), (MONDAY + timedelta(minutes=89), 0), (MONDAY + timedelta(minutes=90), 2)):
        running.run(replace(pages.app, now=at), None, lambda _: None)
        assert (at, mails(pages)) == (at, there)
    with pytest.raises(Refused, match="has been sent"):
        reschedule(pages.app_now(), NAME, None, actor=EDDY)


def test_the_command_line_reschedules_too(draft: Draft) -> None:
    project, now = draft.pages.project, ("--now", AHEAD.isoformat())
    neither = project.command("issues", "reschedule", NAME, *now)
    assert (neither.returncode, "Either --at TIME or --at-slot" in neither.stderr) == (2, True)
    late = project.command("issues", "reschedule", NAME, "--at", "2026-12-01T09:00", *now)
    assert (late.returncode, "has to go out before the next slot comes, 2026-11-30 09:00" in late.stderr) == (3, True)
    said = project.command("issues", "reschedule", NAME, "--at", "2026-11-23T12:00+02:00", *now)
    assert said.stdout.startswith(f"{NAME}: draft, slot 2026-11-23T09:00, goes out 2026-11-23 10:00 UTC")
    assert project.command("issues", "reschedule", NAME, "--at-slot", *now).stdout.startswith(
        f"{NAME}: draft, slot 2026-11-23T09:00\n"
    )


def test_before_its_slot_an_issue_that_nobody_approved_is_held_and_may_still_go_at_its_slot(draft: Draft) -> None:
    pages, early = draft.pages, MONDAY - timedelta(hours=1)
    assert send(draft, "at", at="2026-11-23T08:00") == ""
    (one,) = running.run(replace(pages.app, now=early), None, lambda _: None).handled
    assert (one.issue.state, one.note) == (IssueState.HELD, "it waits for an approval")
    pages.times.append(early)
    assert send(draft, "slot") == ""
    assert (draft.issue.state, draft.issue.send_at) == (IssueState.DRAFT, None)
    draft.decide("approve")
    running.run(replace(pages.app, now=MONDAY), None, lambda _: None)
    assert mails(pages) == 2
