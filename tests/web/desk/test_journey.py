"""A Monday morning in a real browser: from the mailed link to what went out, by keyboard, by mouse, and without a script."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from playwright.sync_api import Browser, Locator, Page

from digest.app.carrying import send_letters
from digest.issues.lifecycle import IssueState
from tests.journeys.project import MONDAY, Project
from tests.journeys.test_other_ways_out import free_port
from tests.rendering.looking import needs_browser
from tests.web.conftest import HOST, Pages, pages_of
from tests.web.desk.browsing import served, sign_in, visiting
from tests.web.desk.conftest import EDDY, EVERYBODY, come_in
from tests.web.desk.issue import AT, Draft, offer

PICTURES = os.environ.get("DIGEST_TEST_PICTURES")
pytestmark = [pytest.mark.browser, needs_browser, pytest.mark.sqlite]


@dataclass(slots=True)
class Mailboxes:
    """What aiosmtpd received, by address."""

    arrived: list[tuple[str, bytes]] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Keep it."""
        self.arrived += [(to, envelope.content) for to in envelope.rcpt_tos]
        return "250 kept"

    def of(self, email: str) -> list[EmailMessage]:
        """Somebody's mails, oldest first."""
        return [message_from_bytes(content, policy=policy.default) for to, content in self.arrived if to == email]


@pytest.fixture
def mailboxes(project: Project) -> Iterator[Mailboxes]:
    """A mail server that is none of ours, which the project sends to."""
    kept = Mailboxes()
    server = Controller(kept, hostname="127.0.0.1", port=free_port())
    server.start()
    project.environment |= {"DIGEST_PROVIDERS__SMTP__HOST": "127.0.0.1", "DIGEST_PROVIDERS__SMTP__PORT": str(server.port)}
    yield kept
    server.stop()


@pytest.fixture
def drafted(project: Project) -> Iterator[Pages]:
    offer(project)
    with pages_of(project, **EVERYBODY, DIGEST_CHECKS__SUBJECT_LONG="error") as pages:
        yield pages


def part_of(mail: EmailMessage, kind: str) -> str:
    """One part, decoded from how it was carried; lines end as they do in a preview."""
    part = mail.get_body((kind,))
    assert part is not None
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode("utf-8").replace("\r\n", "\n").rstrip("\n")


@pytest.mark.parametrize("script", [True, False])
def test_from_the_mailed_link_to_the_report_by_keyboard(
    mailboxes: Mailboxes, drafted: Pages, chromium: Browser, script: bool
) -> None:
    with served(drafted) as at, visiting(chromium, at, java_script_enabled=script) as (page, complaints):
        page.goto(f"{at}/editor")
        page.get_by_label("Your address").fill(EDDY)
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Look for the mail").wait_for()
        send_letters(drafted.app_now())
        (mail,) = mailboxes.of(EDDY)
        page.goto(at + drafted.link_in(mail, "editor/sign-in"))
        page.get_by_role("button", name="Come in").press("Enter")
        page.get_by_role("link", name="Backend Weekly").press("Enter")
        _change(page, script)
        _mend(page)
        page.get_by_role("button", name="Send a test").press("Enter")
        page.get_by_text(f"The test to {EDDY} was accepted").wait_for()
        draft = Draft(drafted, come_in(drafted, EDDY))
        approved = _seen(draft)
        page.get_by_role("button", name="Approve revision").press("Enter")
        page.get_by_text("Approved by").wait_for()
        drafted.project.run(MONDAY)
        page.goto(f"{at}/editor")
        row = page.get_by_role("row", name="weekly/1")
        assert row.get_by_role("cell").all_inner_texts()[1:4] == ["2", "2", "0"]  # audience, accepted, not sent
        row.get_by_role("link").press("Enter")
        page.get_by_text("sent", exact=True).first.wait_for()
        assert complaints == []
    assert draft.issue.state is IssueState.SENT
    test = mailboxes.of(EDDY)[1]
    assert str(test["Subject"]) == f"[Test] {draft.issue.subject}"
    _arrived_as_approved(mailboxes, draft, approved)


def _change(page: Page, script: bool) -> None:
    """Pin, leave out, move, rewrite, write a note: each is seen at once."""
    frame = page.frame_locator("#frame iframe")
    page.get_by_role("button", name="Leave out Delta").press("Enter")
    page.get_by_role("button", name="Put back Delta").wait_for()
    frame.get_by_role("heading", name="Delta").wait_for(state="detached")
    page.get_by_role("button", name="Pin Epsilon", exact=True).press("Enter")
    page.get_by_role("button", name="Unpin Epsilon").wait_for()
    page.get_by_role("button", name="Up Alpha").press("Enter")
    page.get_by_role("button", name="Unpin Alpha").wait_for()
    if script:
        row = {name: page.locator(f"li:has(button:has-text('Leave out {name}'))") for name in ("Gamma", "Epsilon")}
        drag(page, row["Gamma"], row["Epsilon"])
        page.get_by_role("button", name="Unpin Gamma").wait_for()
    page.get_by_role("link", name="Words and picture of Gamma").press("Enter")
    page.get_by_label("Title in this issue").fill("Gamma, said better")
    page.keyboard.press("Enter")
    page.get_by_text("at its source: Gamma").wait_for()
    frame.get_by_role("heading", name="Gamma, said better").wait_for()
    page.locator("#note summary").press("Enter")
    page.get_by_label("What you say above").fill("Good *morning*.")
    page.get_by_role("button", name="Save the note").press("Enter")
    frame.get_by_text("Good morning.").wait_for()


def _mend(page: Page) -> None:
    """A subject that is too long stands in the way; the finding leads to it."""
    page.locator("#subject summary").press("Enter")
    page.get_by_label("Subject of this issue").fill("A subject that goes on and on " * 6)
    page.get_by_role("button", name="Save the subject").press("Enter")
    page.locator("#checks .error a").wait_for()
    assert page.get_by_role("button", name="Approve revision").is_disabled()
    page.locator("#checks .error a").first.press("Enter")
    page.get_by_label("Subject of this issue").fill("Grüße: what a week")
    page.get_by_role("button", name="Save the subject").press("Enter")
    page.locator("#checks .error a").wait_for(state="detached")
    page.frame_locator("#frame iframe").get_by_text("Good morning.").wait_for()


def _seen(draft: Draft) -> dict[str, str]:
    """What an editor sees before approving: the mail of who follows everything, and that of each reader."""
    readers = {"": ""} | {email: str(person.id) for email in READERS if (person := draft.pages.person(email))}
    return {
        f"{email} {kind}": draft.preview(part=part, reader=number)
        for email, number in readers.items()
        for kind, part in (("html", "source"), ("plain", "text"))
    }


READERS = ("ann@x.example", "bob@x.example")


def _arrived_as_approved(mailboxes: Mailboxes, draft: Draft, approved: dict[str, str]) -> None:
    """Byte for byte, HTML and text; but for the four personal slots also what everybody's preview showed."""
    for email in READERS:
        (mail,) = mailboxes.of(email)
        assert str(mail["Subject"]) == draft.issue.subject == "Grüße: what a week"
        for kind in ("html", "plain"):
            arrived = part_of(mail, kind)
            assert arrived == approved[f"{email} {kind}"].rstrip("\n")
            assert _without_person(arrived, email, mail) == approved[f" {kind}"].rstrip("\n").replace("reader@example.com", "@")
    assert "Good <em>morning</em>." in approved[" html"]


def _without_person(text: str, email: str, mail: EmailMessage) -> str:
    """The same of nobody: no address, and links that lead nowhere."""
    leave = re.findall(r"<(https://[^>]+)>", str(mail["List-Unsubscribe"]))[0]
    token = r"[A-Za-z0-9._-]+"
    assert leave in text
    return re.sub(rf"{HOST}/preferences/{token}", "#", text.replace(leave, "#").replace(email, "@"))


@pytest.mark.proof
def test_an_issue_is_watched_going_out_paused_and_let_go_on(project: Project, chromium: Browser) -> None:
    offer(project)
    for number in range(10):
        project.join(f"u{number}@x.example")
    with pages_of(project, **EVERYBODY, DIGEST_DELIVERY__RATE="2", DIGEST_DELIVERY__CONCURRENCY="1") as pages:
        sending = pages.outgoing.attendant(lambda: replace(pages.app_now(), stop=pages.outgoing.stop))
        sending.start()
        with served(pages) as at, visiting(chromium, at) as (page, complaints):
            sign_in(page, at, pages, EDDY)
            page.goto(f"{at}{AT}")
            page.get_by_role("button", name="Approve revision 1").press("Enter")
            page.get_by_label("Send it now").fill("weekly/1")
            page.keyboard.press("Enter")
            page.locator("#progress dd[data-state=accepted]:not(:text-is('0'))").wait_for()
            page.locator("[data-words]", has_text=re.compile(r"of 12 · [0-9.]+ a second · about \d+ seconds left")).wait_for()
            if PICTURES:
                page.screenshot(path=Path(PICTURES) / "desk-going-out.png", full_page=True)
            page.get_by_label("Pause it").fill("A wrong date")
            page.get_by_role("button", name="Pause").press("Enter")
            page.get_by_role("button", name="Let it go on").wait_for()
            gone = len(project.sink.arrived)
            assert 0 < gone < 12
            page.get_by_role("button", name="Let it go on").press("Enter")
            page.locator(".head .state.sent").wait_for(timeout=20_000)
            assert complaints == []
        pages.outgoing.stop.set()
        sending.join(10)
    assert sorted(one.rcpt_to for one in project.sink.arrived) == sorted({one.rcpt_to for one in project.sink.arrived})
    assert len(project.sink.arrived) == 12


def test_an_article_is_dragged_to_another_place_of_its_topic_and_to_no_other_topic(drafted: Pages, chromium: Browser) -> None:
    draft = Draft(drafted, come_in(drafted, EDDY))
    assert [title for title in draft.titles() if title in ("Epsilon", "Delta", "Gamma")] == ["Epsilon", "Delta", "Gamma"]
    with served(drafted) as at, visiting(chromium, at) as (page, complaints):
        sign_in(page, at, drafted, EDDY)
        page.goto(f"{at}{AT}")
        row = {title: page.locator(f"#article-{draft.number(title)}") for title in ("Epsilon", "Gamma", "Alpha")}
        drag(page, row["Gamma"], row["Epsilon"])
        page.get_by_role("button", name="Unpin Gamma").wait_for()
        drag(page, row["Gamma"], row["Alpha"])
        assert draft.issue.revision == 2
        assert complaints == []
    assert [title for title in draft.titles() if title in ("Epsilon", "Delta", "Gamma")] == ["Gamma", "Epsilon", "Delta"]


def drag(page: Page, row: Locator, to: Locator) -> None:
    """Take a row by its edge, and drop it on the upper edge of another."""
    row.hover(position={"x": 5, "y": 5})
    page.mouse.down()
    for y in (9, 3):
        to.hover(position={"x": 30, "y": y})
    page.mouse.up()


def test_the_host_is_the_desks(drafted: Pages) -> None:
    assert drafted.client.get("/editor", headers={"Host": "evil.example"}).status_code == 421
    assert drafted.client.get(f"{HOST}/editor").status_code == 303
