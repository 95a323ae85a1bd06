"""Taking an article in by hand: found in the catalogue, put under a topic, undone; and nobody gets it twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from digest.app.revising import revise
from digest.issues.changing import Change, What
from tests.journeys.project import MONDAY, WEEK, Project, article
from tests.web.conftest import pages_of
from tests.web.desk.conftest import EDDY, EVERYBODY, come_in
from tests.web.desk.issue import AT, Draft, offer, wrong_in


@pytest.fixture
def draft(project: Project) -> Iterator[Draft]:
    offer(project)
    with pages_of(project, **EVERYBODY) as pages:
        yield Draft(pages, come_in(pages, EDDY))


def test_what_belongs_to_no_topic_is_found_and_put_under_one_and_taken_out_again(draft: Draft) -> None:
    zeta = draft.number("Zeta")
    found = draft.browser.get(f"{AT}?find=ZETA&mode=dark").text
    assert f'value="take_in {zeta}"' in found
    assert "nothing in the catalogue" not in found.casefold()
    assert draft.change(f"take_in {zeta}", topic="databases").status_code == 303
    assert "Zeta" in draft.titles()
    assert "took “Zeta” in by hand, under databases" in draft.page()
    assert draft.browser.get(f"{AT}?find=%00%ffx").status_code == 200
    assert "it is in" in draft.browser.get(f"{AT}?find=zeta").text
    draft.change(f"exclude {zeta}")
    assert "Zeta" not in draft.titles()
    draft.change(f"pin {zeta}")
    assert draft.titles()[0] == "Zeta"
    draft.change("restore 1")
    assert "Zeta" not in [one.title for one in draft.content.articles]


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("do", "topic", "status", "said"),
    [
        ("take_in {Zeta}", "", 422, "under which of"),
        ("take_in {Zeta}", "nothing", 422, "under which of"),
        ("take_in 99999", "python", 422, "no article is known"),
        ("take_in {Late}", "python", 409, "it arrived after the freeze"),
    ],
)
def test_what_cannot_be_taken_in_is_said(draft: Draft, do: str, topic: str, status: int, said: str) -> None:
    project = draft.pages.project
    project.offer(article("late", title="Late"))
    assert project.command("articles", "fetch", "--now", MONDAY.isoformat()).returncode == 0
    for title in ("Zeta", "Late"):
        do = do.replace(f"{{{title}}}", str(draft.number(title)))
    answer = draft.change(do, topic=topic)
    assert (answer.status_code, said in wrong_in(answer)) == (status, True), wrong_in(answer)
    assert draft.issue.revision == 1
    assert "comes with the next issue" in draft.browser.get(f"{AT}?find=late").text
    assert "Nothing in the catalogue" in draft.browser.get(f"{AT}?find=%25&mode=dark").text


def test_who_had_it_does_not_get_it_again_and_who_had_it_not_gets_it(project: Project) -> None:
    """Promise 1: ann had it by an issue, eve came later."""
    project.offer(article("o", title="Omega"))
    project.run(MONDAY)
    project.configure('approval = "automatic"', 'approval = "required"')
    project.join("eve@x.example", "databases", at=MONDAY)
    project.offer(article("o", title="Omega"), article("n", title="New", tags=("databases",), at=MONDAY))
    later = MONDAY + WEEK
    for command in (("articles", "fetch"), ("issues", "draft", "weekly")):
        assert project.command(*command, "--now", later.isoformat()).returncode == 0
    with pages_of(project, later, **EVERYBODY) as pages:
        found = come_in(pages, EDDY).get("/editor/issues/weekly/2?find=omega").text
        assert "went out with weekly/1: who had it does not get it again" in found
        number = Draft(pages, come_in(pages, EDDY)).number("Omega")
        revise(pages.app_now(), "weekly/2", Change(What.TAKE_IN, number, texts={"topic": "databases"}), revision=1, actor=EDDY)
    assert project.command("issues", "approve", "weekly/2", "--now", later.isoformat()).returncode == 0
    project.run(later)
    assert project.read("ann@x.example") == [["o"], ["n"]]
    assert project.read("eve@x.example") == [["o", "n"]]
    project.configure('approval = "required"', 'approval = "automatic"')
    project.offer(article("p", title="Next", tags=("databases",), at=later))
    project.run(later + WEEK)
    for email in ("ann@x.example", "bob@x.example", "eve@x.example"):
        assert max(project.everything_read(email).values()) == 1
