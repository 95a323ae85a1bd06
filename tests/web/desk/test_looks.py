"""Every way to look at a preview: by the code that sends, for everybody who may, and as hostile articles would have it not."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from digest.app.edge_cases import CASES
from digest.app.previewing import preview
from digest.web.desk.looks import PARTS, Look
from tests.journeys.project import MONDAY, WEEK, Project, article
from tests.web.conftest import pages_of
from tests.web.desk.conftest import EDDY, EVERYBODY, VERA, come_in
from tests.web.desk.issue import AT, Draft, offer, wrong_in
from tests.web.test_unsubscribing import everything


@pytest.fixture
def draft(project: Project) -> Iterator[Draft]:
    offer(project)
    with pages_of(project, **EVERYBODY) as pages:
        yield Draft(pages, come_in(pages, EDDY))


@pytest.mark.sqlite
def test_the_source_is_the_html_that_is_sent(draft: Draft) -> None:
    app = draft.pages.app_now()
    assert draft.preview(part="source") == preview(app, draft.issue, None).html
    ann = draft.pages.person("ann@x.example")
    assert ann is not None
    answer = draft.browser.client.get(f"{AT}/preview?part=source&reader={ann.id}")
    assert answer.text == preview(app, draft.issue, "ann@x.example").html
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_headers_are_those_of_the_message_that_arrives(draft: Draft) -> None:
    draft.change("subject", subject="Grüße aus der Küche", preheader="", second="Another, for a test")
    ann = draft.pages.person("ann@x.example")
    assert ann is not None
    told, _, read = draft.preview(part="headers", reader=str(ann.id)).partition("\nWhich reads:\n")
    assert "Subject: Grüße aus der Küche" in read
    draft.decide("approve")
    draft.pages.project.run(MONDAY)
    (arrived,) = [one.message for one in draft.pages.project.sink.arrived if one.rcpt_to == "ann@x.example"]
    head = arrived.partition(b"\r\n\r\n")[0].decode("ascii").replace("\r\n", "\n")
    assert _dateless(told) == _dateless(f"{head}\n")
    assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in told


def _dateless(head: str) -> str:
    return re.sub(r"(?m)^Date: .*\n", "", head)


@pytest.mark.sqlite
def test_the_headers_of_nobodys_mail_lead_nowhere(draft: Draft) -> None:
    told = draft.preview(part="headers")
    assert "List-Unsubscribe: <https://example.invalid/" in told
    assert "Date: Mon, 23 Nov 2026 09:00:00 +0000" in told


@pytest.mark.sqlite
def test_the_row_in_an_inbox_has_sender_subject_preheader_and_alternatives(draft: Draft) -> None:
    row = draft.preview(part="inbox")
    assert "Backend Weekly" in row
    assert "Epsilon · Delta · Gamma" in row
    assert "It has no alternatives" in row
    draft.change("subject", subject="First <b>", second="Second & best", third="First <b>", preheader="Look inside")
    row = draft.preview(part="inbox")
    assert (row.count("First &lt;b&gt;"), row.count("Second &amp; best"), "Look inside" in row) == (4, 4, True)
    assert draft.content.alternatives == ("Second & best",)
    signed = draft.issue.content_hash
    draft.change("subject", subject="First <b>", second="Another", preheader="Look inside")
    assert draft.issue.content_hash != signed
    assert all("Second & best" not in draft.preview(part=part) for part in ("html", "text", "source"))


def test_edge_cases_are_made_of_the_issue_and_nothing_is_stored(draft: Draft) -> None:
    draft.change(f"picture {draft.number('Alpha')}", image="https://pictures.example/a.jpg", image_alt="A hall")
    before = everything(draft.pages)
    one, thirty, rtl, bare = (draft.preview(case=case) for case in CASES)
    assert [one.count(f">{title}<") for title in ("Epsilon", "Alpha")] == [1, 0]
    assert sum(thirty.count(f'https://backend.example/{key}"') for key in "abcde") >= 30
    assert 'dir="rtl"' in rtl
    assert "Delta" in rtl
    assert ("pictures.example" in draft.preview(), "pictures.example" in bare) == (True, False)
    assert draft.preview(case="one", part="text").count("https://backend.example/") < 4
    for case in CASES:
        assert draft.preview(case=case, part="headers")
        assert draft.preview(case=case, part="inbox")
    assert everything(draft.pages) == before
    withdrawn = draft.pages.project.command("articles", "withdraw", "https://backend.example/d", "--now", MONDAY.isoformat())
    assert withdrawn.returncode == 0, withdrawn.stderr
    assert ("Delta" in draft.preview(case="no-pictures"), "Gamma" in draft.preview(case="no-pictures")) == (False, True)


@pytest.mark.sqlite
def test_a_picture_is_replaced_in_this_issue_alone_and_given_back(draft: Draft) -> None:
    number = draft.number("Alpha")
    draft.change(f"picture {number}", image="https://pictures.example/a.jpg", image_alt="A hall")
    draft.change(f"rewrite {number}", title="Alpha, said better")
    shown = draft.preview()
    for words in ('src="https://pictures.example/a.jpg"', 'alt="A hall"', "Alpha, said better"):
        assert words in shown
    page = draft.browser.get(f"{AT}?words={number}").text
    assert "its source has none" in page
    assert "gave “Alpha” another picture" in page
    assert "begins with https://" in wrong_in(draft.change(f"picture {number}", image="javascript:alert(1)"))
    draft.change(f"picture {number}", image="", image_alt="")
    assert "pictures.example" not in draft.preview()
    assert "Alpha, said better" in draft.preview()


@pytest.mark.sqlite
def test_dark_is_as_it_was_styled_or_as_it_is_turned_over(draft: Draft) -> None:
    inverted, light = draft.preview(mode="inverted"), draft.preview(mode="light")
    assert re.sub(r"<style>html\{.*?</style>(?=</head>)", "", inverted) == light
    assert "invert(1)" in inverted
    page = draft.browser.get(f"{AT}?mode=inverted").text
    assert "as some programs do" in page
    assert not re.search(r"Outlook|Gmail|Apple Mail|Yahoo|Thunderbird", page)


def test_a_reader_is_looked_for_by_address_and_by_who_may_see_it(draft: Draft) -> None:
    ann = draft.pages.person("ann@x.example")
    assert ann is not None
    answer = draft.browser.post(f"{AT}/reader?mode=dark", email="ANN@x.example")
    assert answer.headers["location"] == f"{AT}?mode=dark&reader={ann.id}#preview"
    assert "<bdi>ann@x.example</bdi>" in draft.browser.get(f"{AT}?reader={ann.id}").text
    several = draft.browser.post(f"{AT}/reader", email="x.exam")
    assert all(f"<bdi>{one}@x.example</bdi>" in several.text for one in ("ann", "bob"))
    assert "nobody who has" in wrong_in(draft.browser.post(f"{AT}/reader", email="eve@x.example"))
    assert "at least 3 letters" in wrong_in(draft.browser.post(f"{AT}/reader", email="a"))
    assert "nobody who has" in wrong_in(draft.browser.post(f"{AT}/reader", email="%%%"))


@pytest.mark.sqlite
def test_a_viewer_sees_what_a_reader_gets_and_not_who_they_are(draft: Draft) -> None:
    bob = draft.pages.person("bob@x.example")
    assert bob is not None
    viewer, token = Draft(draft.pages, come_in(draft.pages, VERA)), draft.pages.token("bob@x.example")
    for part in PARTS:
        seen = {"viewer": viewer.preview(part=part, reader=str(bob.id)), "editor": draft.preview(part=part, reader=str(bob.id))}
        assert not any(word in seen["viewer"] for word in ("bob@x.example", token))
        assert part == "inbox" or all(word in seen["editor"] for word in ("bob@x.example", token))
    assert viewer.titles(viewer.preview(part="text", reader=str(bob.id))) == draft.titles()
    assert "bob@x.example" not in viewer.browser.get(f"{AT}?reader={bob.id}").text
    assert viewer.browser.post(f"{AT}/reader", email="bob@x.example").status_code == 403


@pytest.mark.sqlite
def test_it_stands_beside_the_issue_that_went_out_before(project: Project) -> None:
    project.offer(article("o", title="Omega"))
    project.run(MONDAY)
    offer(project)
    later = MONDAY + WEEK
    project.offer(article("n", title="New", at=MONDAY))
    for command in (("articles", "fetch"), ("issues", "draft", "weekly")):
        project.command(*command, "--now", later.isoformat())
    with pages_of(project, later, **EVERYBODY) as pages:
        browser = come_in(pages, VERA)
        page = browser.get("/editor/issues/weekly/2?beside=last&width=375").text
        frames = re.findall(r'<iframe class="w375" sandbox="" title="[^"]*" src="([^"]+)"', page)
        assert frames == [f"/editor/issues/weekly/{number}/preview?width=375" for number in (2, 1)]
        assert "Omega" in browser.get("/editor/issues/weekly/1/preview?part=text").text
        assert "Beside" not in browser.get("/editor/issues/weekly/1").text


def test_a_look_is_what_a_query_can_mean_and_nothing_else() -> None:
    asked = {"part": "inbox", "mode": "<script>", "width": "9", "case": "rtl", "beside": "other", "reader": "²"}
    assert Look.of(asked) == Look(part="inbox", case="rtl")
    assert Look(part="inbox", case="rtl").said(part="html") == {"case": "rtl"}
