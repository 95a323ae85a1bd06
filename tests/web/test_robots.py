"""Robots that open links (case 25), and who leaves while a mail of theirs waits (case 14): on HTTP, with the links that really stand in mails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from html import unescape

import pytest

from digest.app.carrying import send_letters
from digest.audience.subscription import SubscriptionState
from digest.audience.tokens import Purpose
from tests.journeys.project import MONDAY, WEEK, Project, article
from tests.journeys.test_leaving import ONE_CLICK, one_click_address
from tests.web.conftest import HOST, Pages, pages_of
from tests.web.test_subscribing import ask
from tests.web.test_unsubscribing import everything

ANN, BOB, EVE = "ann@x.example", "bob@x.example", "eve@new.example"
LETTERS = {"confirm", "erase", "download", "move"}


def links_in(mail: EmailMessage) -> set[str]:
    """Every address of ours in a mail: in its headers, its HTML and its text."""
    parts = [mail.get_body((kind,)) for kind in ("html", "plain")]
    texts = [str(mail["List-Unsubscribe"]), *(part.get_content() for part in parts if part is not None)]
    found = {unescape(link).rstrip(">.,)") for text in texts for link in re.findall(rf"{HOST}/[^\s\"'<>)]*", text)}
    return found | {link + add for link in found for add in ("/", "?utm_source=scanner")}


@pytest.fixture
def mailed(project: Project) -> Iterator[Pages]:
    """Every kind of mail that Digest sends has arrived: an issue, a confirmation, a welcome, and letters about a person's own wishes."""
    project.configure('welcome = "none"', 'welcome = "latest"')
    project.offer(article("a"), article("b", tags=("databases",)))
    project.run(MONDAY)
    with pages_of(project, MONDAY + timedelta(hours=1)) as pages:
        ask(pages, "joe@new.example")
        send_letters(pages.app_now())
        (confirmation,) = project.mails("joe@new.example")
        pages.client.post(pages.link_in(confirmation, "confirm"))
        pages.times.append(MONDAY + timedelta(hours=3))
        ask(pages, EVE)
        for email, form in (
            (BOB, {"what": "erase"}),
            (BOB, {"what": "download"}),
            (ANN, {"what": "move", "email": "anna@new.example"}),
        ):
            pages.client.post(f"/preferences/{pages.token(email, Purpose.PREFERENCES)}", data=form)
        send_letters(pages.app_now())
        yield pages


@pytest.mark.sqlite  # what is read is the same on both; a thousand requests are enough
def test_case_25_a_robot_that_opens_every_link_of_every_mail_ten_times_changes_nothing(mailed: Pages) -> None:
    everybody = (ANN, BOB, EVE, "joe@new.example", "anna@new.example")
    mails = [mail for email in everybody for mail in mailed.project.mails(email)]
    links = sorted(set().union(*(links_in(mail) for mail in mails)))
    pages = {link.removeprefix(f"{HOST}/").partition("/")[0] for link in links}
    assert pages >= LETTERS | {"unsubscribe", "preferences", "archive"}
    assert len(mails) == 9
    before = everything(mailed)
    opened = [
        mailed.client.request(method, link) for _ in range(5) for link in links for method in ("GET", "HEAD", "GET", "HEAD")
    ]
    assert everything(mailed) == before
    assert {answer.status_code for answer in opened} == {200}
    assert send_letters(mailed.app_now()) == 0
    for email, state in ((ANN, "active"), (BOB, "active"), ("joe@new.example", "active")):
        assert mailed.subscription(email).state == state
    assert mailed.person(EVE) is None


def test_case_25_a_robot_with_other_ways_of_asking_changes_nothing_either(mailed: Pages) -> None:
    path = mailed.link_in(mailed.project.mails(EVE)[0], "confirm")
    before = everything(mailed)
    for method in ("OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"):
        assert mailed.client.request(method, path).status_code == 405
    assert everything(mailed) == before


def test_case_14_who_leaves_by_one_click_while_their_mail_waits_is_not_sent_it(project: Project) -> None:
    project.offer(article("a"))
    project.run(MONDAY)
    project.offer(article("a"), article("b", at=MONDAY))
    project.plan(MONDAY + WEEK)
    (mail,) = project.mails(ANN)
    with pages_of(project, MONDAY + WEEK) as pages:
        assert pages.client.post(one_click_address(mail), data=ONE_CLICK).text == "You are unsubscribed.\n"
        assert pages.subscription(ANN).state is SubscriptionState.UNSUBSCRIBED
    project.run(MONDAY + WEEK)
    assert (project.read(ANN), project.read(BOB)) == ([["a"]], [["a"], ["b"]])
    assert project.account("weekly/2") == {"accepted": 1, "cancelled": 1}
