"""An issue at the desk: each change is saved at once, seen in the preview, can be taken back, and overwrites nobody's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import func, select

from digest.app.previewing import preview
from digest.issues.lifecycle import IssueState
from digest.store import tables
from tests.journeys.project import Project
from tests.web.conftest import pages_of
from tests.web.desk.conftest import ADA, EDDY, EVERYBODY, VERA, come_in
from tests.web.desk.issue import AT, Draft, offer, wrong_in


@pytest.fixture
def draft(project: Project) -> Iterator[Draft]:
    offer(project)
    with pages_of(project, **EVERYBODY) as pages:
        yield Draft(pages, come_in(pages, EDDY))


def test_every_candidate_stands_there_with_its_reason(draft: Draft) -> None:
    page = draft.page()
    for words in ("Alpha", "Gamma", "Zeta", "carries no tag of a topic", "draft", "5 articles", "2 subscribers"):
        assert words in page
    assert len(page.encode()) < 100_000


def test_the_preview_is_what_is_sent_byte_for_byte_but_for_the_mode(draft: Draft) -> None:
    app = draft.pages.app_now()
    shown = preview(app, draft.issue, None)
    assert draft.preview(part="text") == shown.text
    ann = draft.pages.person("ann@x.example")
    assert ann is not None
    assert draft.preview(part="text", reader=str(ann.id)) == preview(app, draft.issue, "ann@x.example").text
    assert draft.preview(mode="dark") != draft.preview(mode="light") != shown.html


def test_articles_are_pinned_left_out_moved_and_put_back(draft: Draft) -> None:
    assert draft.titles() == ["Epsilon", "Delta", "Gamma", "Beta", "Alpha"]
    assert draft.change(f"exclude {draft.number('Delta')}").status_code == 303
    assert draft.titles() == ["Epsilon", "Gamma", "Beta", "Alpha"]
    draft.change(f"place {draft.number('Alpha')} 0")
    assert draft.titles()[:1] == ["Alpha"]
    draft.change(f"put_back {draft.number('Alpha')}")
    draft.change(f"put_back {draft.number('Delta')}")
    assert draft.titles() == ["Epsilon", "Delta", "Gamma", "Beta", "Alpha"]
    draft.change(f"pin {draft.number('Gamma')}")
    assert draft.titles()[0] == "Gamma"
    draft.change(f"place {draft.number('Epsilon')} 2")
    assert [title for title in draft.titles() if title in ("Gamma", "Delta", "Epsilon")] == ["Gamma", "Delta", "Epsilon"]
    assert draft.titles()[0] == "Gamma"


def test_an_article_is_said_in_other_words_in_this_issue_alone(draft: Draft) -> None:
    number = draft.number("Alpha")
    draft.change(f"rewrite {number}", title="Alpha & <b>omega</b>", summary="In our own words.")
    assert "Alpha & <b>omega</b>" in draft.preview(part="text")
    assert "Alpha &amp; &lt;b&gt;omega&lt;/b&gt;" in draft.preview()
    assert "In our own words." in draft.preview()
    page = draft.page()
    assert "at its source: <bdi>Alpha</bdi>" in page
    draft.change(f"rewrite {number}", title="", summary="")
    assert "omega" not in draft.preview()


def test_note_sponsor_subject_and_preheader(draft: Draft) -> None:
    draft.change("note", note="Good *morning*.")
    draft.change("sponsor", title="Paid by Acme", url="https://acme.example/", text="They build things.")
    draft.change("subject", subject="A special one", preheader="Only for you")
    shown = draft.preview()
    for words in ("<em>morning</em>", "Paid by Acme", "Only for you"):
        assert words in shown
    assert draft.issue.subject == "A special one"
    draft.change("subject", subject="", preheader="")
    draft.change("note", note="")
    draft.change("sponsor", title="")
    assert not any(words in draft.preview() for words in ("morning", "Acme", "Only for you"))
    assert draft.issue.subject.startswith("Backend Weekly #1")


def test_the_approval_signs_an_own_preheader_too(draft: Draft) -> None:
    draft.change("subject", subject="", preheader="One")
    before = draft.issue.content_hash
    draft.change("subject", subject="", preheader="Two")
    assert draft.issue.content_hash != before


def test_a_change_stands_in_the_history_and_is_taken_back(draft: Draft) -> None:
    first = draft.content
    draft.change(f"exclude {draft.number('Delta')}")
    draft.change("note", note="Hello.")
    page = draft.page()
    for did in ("left out “Delta”", "wrote a note above the articles"):
        assert f'<bdi>{EDDY}</bdi>: <span dir="auto">{did}' in page
    draft.change("restore 2")
    assert (draft.content.note, "Delta" in draft.titles()) == (None, False)
    draft.change("restore 1")
    assert draft.content == first
    admin = come_in(draft.pages, ADA)
    assert "weekly/1: went back to revision 1" in admin.get("/editor/audit").text


def test_a_change_that_changes_nothing_is_no_revision(draft: Draft) -> None:
    assert draft.change("note", note="").status_code == 303
    assert draft.issue.revision == 1


def test_of_two_editors_the_second_is_told_and_overwrites_nothing(draft: Draft) -> None:
    other = Draft(draft.pages, come_in(draft.pages, ADA))
    seen = draft.issue.revision
    other.change("note", note="From Ada.")
    late = draft.change("note", seen, note="From Eddy.")
    assert late.status_code == 409
    said = wrong_in(late)
    for words in ("Nothing was changed", ADA, "wrote a note above the articles", "From Eddy."):
        assert words in said
    assert draft.content.note is not None
    assert draft.content.note.markdown == "From Ada."
    assert draft.decide("approve", seen).status_code == 409
    assert draft.issue.state is IssueState.DRAFT


@pytest.mark.parametrize(
    ("do", "texts", "status", "said"),
    [
        ("pin {Zeta}", {}, 409, "no tag of a topic"),
        ("place {Zeta} 0", {}, 422, "pin it first"),
        ("pin 99999", {}, 422, "is no candidate"),
        ("restore 77", {}, 422, "nothing is known of revision 77"),
        ("drop tables", {}, 422, "nothing that can be changed"),
        ("", {}, 422, "nothing that can be changed"),
        ("pin 1 2 3", {}, 422, "nothing that can be changed"),
        ("pin ²", {}, 422, "nothing that can be changed"),
        ("sponsor", {"title": "x", "url": "javascript:alert(1)"}, 422, "needs an address"),
        ("subject", {"subject": "x" * 301}, 422, "at most 300 characters"),
    ],
)
@pytest.mark.sqlite
def test_what_cannot_be_done_is_said_and_changes_nothing(
    draft: Draft, do: str, texts: dict[str, str], status: int, said: str
) -> None:
    answer = draft.change(do.replace("{Zeta}", str(draft.number("Zeta"))), **texts)
    assert (answer.status_code, said in wrong_in(answer)) == (status, True), wrong_in(answer)
    assert draft.issue.revision == 1


@pytest.mark.sqlite
def test_an_issue_is_never_emptied(draft: Draft) -> None:
    for title in ("Alpha", "Beta", "Gamma", "Delta"):
        draft.change(f"exclude {draft.number(title)}")
    assert "stays as it is" in wrong_in(draft.change(f"exclude {draft.number('Epsilon')}"))
    assert draft.titles() == ["Epsilon"]


def test_what_is_approved_is_what_was_seen_and_an_edit_voids_it(draft: Draft) -> None:
    assert draft.decide("approve").status_code == 303
    approved = draft.issue
    assert (approved.state, approved.approved_by, approved.approved_hash) == (IssueState.APPROVED, EDDY, approved.content_hash)
    draft.change("note", note="One more thing.")
    assert (draft.issue.state, draft.issue.approved_hash) == (IssueState.DRAFT, None)
    draft.decide("approve")
    draft.decide("unapprove")
    assert (draft.issue.state, draft.issue.approved_hash) == (IssueState.DRAFT, None)
    assert "the approval was taken back" in draft.page()


def test_an_error_of_the_checks_stands_in_the_way_of_an_approval(project: Project) -> None:
    offer(project)
    with pages_of(project, **EVERYBODY, DIGEST_CHECKS__SUBJECT_LONG="error") as pages:
        draft = Draft(pages, come_in(pages, EDDY))
        draft.change("subject", subject="A subject that goes on and on " * 6)
        page = draft.page()
        assert 'value="approve" disabled' in page
        assert '<a href="#subject">subject</a>' in page
        assert "a check failed" in wrong_in(draft.decide("approve"))
        assert draft.issue.state is IssueState.DRAFT


def test_an_issue_is_skipped_with_a_reason(draft: Draft) -> None:
    assert "say why" in wrong_in(draft.decide("skip"))
    draft.decide("skip", reason="We are on holiday")
    assert (draft.issue.state, draft.issue.reason) == (IssueState.SKIPPED, "We are on holiday")
    assert "cannot be edited" in wrong_in(draft.change("note", note="x"))
    assert "Save the note" not in draft.page()


def test_a_test_goes_to_one_address_and_leaves_no_delivery(draft: Draft) -> None:
    answer = draft.browser.post(f"{AT}/test", revision="1", email=EDDY)
    assert "was accepted" in answer.text
    (mail,) = draft.pages.project.mails(EDDY)
    assert str(mail["Subject"]).startswith("[Test]")
    with draft.pages.app.store.reading() as connection:
        assert connection.execute(select(func.count()).select_from(tables.delivery)).scalar_one() == 0


def test_who_gets_what_is_the_plan_itself_and_changes_nothing(draft: Draft) -> None:
    draft.change(f"exclude {draft.number('Delta')}")
    page = draft.browser.get(f"{AT}/audience").text
    assert "As it would be" in page
    assert page.count("4 articles:") == 1
    with draft.pages.app.store.reading() as connection:
        assert connection.execute(select(func.count()).select_from(tables.delivery)).scalar_one() == 0
    assert draft.issue.state is IssueState.DRAFT


def test_a_viewer_sees_everything_and_is_offered_nothing(draft: Draft) -> None:
    viewer = Draft(draft.pages, come_in(draft.pages, VERA))
    page = viewer.page()
    assert "Alpha" in page
    assert not any(words in page for words in ("Leave out", "Approve", "Save the", "Skip this"))
    assert viewer.change("note", note="x").status_code == 403
    assert draft.issue.revision == 1


@pytest.mark.sqlite
def test_home_tells_of_the_draft_and_makes_one_where_there_is_none(draft: Draft) -> None:
    home = draft.browser.get("/editor").text
    for words in ("Backend Weekly", "no. 1", "Monday, 23 November, at 09:00, due now", "draft"):
        assert words in home
    draft.decide("skip", reason="no")
    home = draft.browser.get("/editor").text
    assert "in 7 days" in home
    assert "Draft it now" in home
    answer = draft.browser.post("/editor/newsletters/weekly/draft")
    assert answer.headers["location"] == "/editor/issues/weekly/2"


@pytest.mark.sqlite
@pytest.mark.parametrize("path", ["weekly/9", "nothing/1", "weekly/x", "weekly/1%00"])
def test_an_issue_that_is_not_there_is_not_found(draft: Draft, path: str) -> None:
    for more in ("", "/preview", "/audience"):
        assert draft.browser.get(f"/editor/issues/{path}{more}").status_code == 404
