"""The numbers of an issue, and one person's deliveries."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest.delivery.providers.answer import Outcome
from digest.delivery.transitions import DeliveryState
from digest.insights.statistics import decisions, deliveries_of, statistics
from digest.issues.issue import issue_by_id
from tests.issues.newsroom import a_newsroom

pytestmark = pytest.mark.usefixtures("database")


def test_an_account_names_every_state_and_sums_to_the_audience(tmp_path: Path) -> None:
    with a_newsroom(tmp_path) as newsroom:
        newsroom.join("ann")
        newsroom.join("bob")
        newsroom.join("none", "career")
        newsroom.arrive("a")
        issue = newsroom.issue(bob=Outcome.REJECTED)
        with newsroom.store.reading() as connection:
            found = statistics(connection, issue)
            assert [one["title"] for one in decisions(connection, issue)] == ["Title a"]
        assert set(found["account"]) == {state.value for state in DeliveryState}
        assert {state: many for state, many in found["account"].items() if many} == {"accepted": 1, "rejected": 1, "skipped": 1}
        assert (found["issue"], found["state"], found["audience"], found["providers"]) == ("weekly/1", "sent", 3, {"fake": 2})


def test_an_issue_that_was_never_planned_has_an_account_of_nobody(tmp_path: Path) -> None:
    with a_newsroom(tmp_path) as newsroom:
        newsroom.arrive("a")
        issue = newsroom.freeze()
        with newsroom.store.reading() as connection:
            found = statistics(connection, issue_by_id(connection, issue.id))
        assert (found["audience"], sum(found["account"].values()), found["providers"]) == (0, 0, {})


def test_somebodys_deliveries_come_newest_first_with_what_was_answered(tmp_path: Path) -> None:
    with a_newsroom(tmp_path) as newsroom:
        ann = newsroom.join("ann")
        newsroom.join("bob")
        newsroom.arrive("a")
        newsroom.issue(ann=Outcome.REJECTED)
        newsroom.arrive("b")
        newsroom.issue()
        with newsroom.store.reading() as connection:
            found = [(one["issue"], one["state"], one["attempts"], one["answer"]) for one in deliveries_of(connection, ann)]
        assert found == [("weekly/2", "accepted", 1, None), ("weekly/1", "rejected", 1, "said")]
