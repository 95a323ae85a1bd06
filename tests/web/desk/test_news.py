"""What somebody else does to an issue is told to whoever has it open."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from digest.editors.sessions import IDLE
from digest.web.desk.present import GONE_AFTER, Present
from tests.journeys.project import MONDAY, Project
from tests.web.conftest import pages_of
from tests.web.desk.conftest import ADA, EDDY, EVERYBODY, VERA, come_in
from tests.web.desk.issue import AT, Draft, offer


@pytest.fixture
def draft(project: Project) -> Iterator[Draft]:
    offer(project)
    with pages_of(project, **EVERYBODY) as pages:
        yield Draft(pages, come_in(pages, EDDY))


def mark_in(page: str) -> str:
    return page.partition('data-mark="')[2].partition('"')[0]


def test_it_is_told_who_did_what_and_when_since_the_page_was_made(draft: Draft) -> None:
    mark, ada = mark_in(draft.page()), Draft(draft.pages, come_in(draft.pages, ADA))
    said = draft.browser.get(f"{AT}/news?since={mark}").json()
    assert said == {"mark": int(mark), "lines": [], "here": []}
    ada.change(f"exclude {ada.number('Delta')}")
    ada.decide("approve")
    found = draft.browser.get(f"{AT}/news?since={mark}").json()
    assert [(one["who"], one["did"], one["at"]) for one in found["lines"]] == [
        (ADA, "approved", "09:00"),
        (ADA, "left out “Delta”", "09:00"),
    ]
    assert found["mark"] == int(mark_in(draft.page()))
    assert draft.browser.get(f"{AT}/news?since={found['mark']}").json()["lines"] == []
    assert draft.browser.get(f"{AT}/news?since=x").status_code == 200


@pytest.mark.sqlite
def test_who_else_has_it_open_is_told(draft: Draft) -> None:
    viewer = come_in(draft.pages, VERA)
    viewer.get(f"{AT}/news")
    assert draft.browser.get(f"{AT}/news").json()["here"] == [VERA]
    assert viewer.get(f"{AT}/news").json()["here"] == [EDDY]
    assert viewer.get("/editor/issues/weekly/9/news").status_code == 404


def test_who_has_closed_it_is_forgotten() -> None:
    now = [0.0]
    present = Present(lambda: now[0])
    assert present.others("weekly/1", "a") == []
    assert present.others("weekly/2", "b") == []
    assert present.others("weekly/1", "c") == ["a"]
    now[0] = GONE_AFTER
    assert present.others("weekly/1", "d") == []


@pytest.mark.sqlite
def test_a_page_that_is_left_open_keeps_no_session_alive(draft: Draft) -> None:
    times = draft.pages.times
    for hours in range(1, 12):
        times.append(MONDAY + timedelta(hours=hours))
        assert draft.browser.get(f"{AT}/news").status_code == 200
    times.append(MONDAY + IDLE + timedelta(minutes=2))
    assert draft.browser.get(f"{AT}/news").status_code == 303
