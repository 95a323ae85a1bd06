"""What everybody is owed, and how far they have come, once an issue has settled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.delivery import upkeep
from digest.delivery.account import unknown
from digest.delivery.providers.answer import Answer, Outcome
from digest.delivery.settling import conclude
from digest.delivery.transitions import DeliveryState
from digest.issues.issue import Issue, issue_by_id
from digest.issues.lifecycle import IssueState
from tests.databases import statements
from tests.issues.newsroom import DAILY, LEASE, MONDAY, WEEKLY, Newsroom, a_newsroom
from tests.marking import mark_batch, settle_batch

pytestmark = pytest.mark.usefixtures("database")

REJECTED, DEFERRED, UNKNOWN = Outcome.REJECTED, Outcome.DEFERRED, Outcome.UNKNOWN


@pytest.fixture
def newsroom(tmp_path: Path) -> Iterator[Newsroom]:
    with a_newsroom(tmp_path) as made:
        yield made


def cancel(newsroom: Newsroom, issue: Issue) -> Issue:
    """As `digest issues cancel` does."""
    newsroom.step(issue, IssueState.CANCELLED)
    with newsroom.store.writing() as connection:
        upkeep.cancel(connection, newsroom.ledger(issue), now=MONDAY, reason="cancelled by hand")
        return conclude(connection, issue_by_id(connection, issue.id), now=MONDAY)


def resolve(newsroom: Newsroom, issue: Issue, to: DeliveryState) -> Issue:
    with newsroom.store.writing() as connection:
        whose = unknown(connection, issue.id)
        upkeep.resolve(connection, newsroom.ledger(issue), whose, to, now=MONDAY, reason="said so")
        return conclude(connection, issue, now=MONDAY)


def test_everyone_considered_moves_on_and_only_who_got_nothing_is_owed(newsroom: Newsroom) -> None:
    for name in ("accepts", "rejects", "doubts", "leaves"):
        newsroom.join(name)
    newsroom.join("other", "career")
    newsroom.join("held")
    newsroom.suppress("held")
    newsroom.arrive("a")
    issue = newsroom.planned()
    newsroom.leave("leaves")
    issue = newsroom.deliver(issue, {"rejects": REJECTED, "doubts": UNKNOWN})
    assert newsroom.states(issue) == {
        "accepts": "accepted",
        "rejects": "rejected",
        "doubts": "unknown",
        "leaves": "cancelled",
        "other": "skipped",
        "held": "suppressed",
    }
    assert {name: newsroom.coverage(name) for name in newsroom.people} == {name: name != "held" for name in newsroom.people}
    assert {name: newsroom.owed(name) for name in newsroom.people if newsroom.owed(name)} == {
        "rejects": {"a": 1},
        "leaves": {"a": 1},
    }
    assert (issue.state, issue.settled_at) == (IssueState.SENDING, MONDAY)


def test_an_issue_waits_with_settling_for_its_deferred_ones_and_what_expires_is_owed(newsroom: Newsroom) -> None:
    newsroom.join("ann")
    newsroom.join("bob")
    newsroom.arrive("a")
    issue = newsroom.deliver(newsroom.planned(), {"bob": DEFERRED})
    assert (issue.state, issue.settled_at, newsroom.coverage("ann")) == (IssueState.SENDING, None, 0)
    with newsroom.store.writing() as connection:
        assert upkeep.expire(connection, newsroom.ledger(issue), now=MONDAY, reason="too long") == 1
    issue = newsroom.conclude(issue)
    assert (issue.state, newsroom.owed("ann"), newsroom.owed("bob")) == (IssueState.SENT, {}, {"a": 1})
    assert newsroom.has(newsroom.issue(), "bob") == ["a"]


def test_what_is_over_the_limit_is_owed_comes_first_and_expires_by_its_age(newsroom: Newsroom) -> None:
    newsroom.change(max_articles=1, carry_over=2)
    newsroom.join("ann")
    newsroom.arrive("a", "b", "c", "d", "e")
    got = []
    for age in (1, 2, 3):
        got += newsroom.has(newsroom.issue(), "ann")
        assert newsroom.owed("ann") == dict.fromkeys(set("abcde") - set(got), age)
    newsroom.arrive("f")
    assert newsroom.has(newsroom.issue(), "ann") == ["f"]
    assert (len(got), newsroom.owed("ann")) == (3, {})


@pytest.mark.parametrize(
    ("to", "owed", "state"),
    [
        (DeliveryState.ACCEPTED, {}, IssueState.SENT),
        (DeliveryState.REJECTED, {"a": 1}, IssueState.SENT),
        (DeliveryState.PLANNED, {}, IssueState.SENDING),
    ],
)
def test_what_was_unknown_is_given_back_only_when_it_surely_did_not_arrive(
    newsroom: Newsroom, to: DeliveryState, owed: dict[str, int], state: IssueState
) -> None:
    newsroom.join("ann")
    newsroom.arrive("a")
    issue = newsroom.issue(ann=UNKNOWN)
    issue = resolve(newsroom, issue, to)
    assert (newsroom.owed("ann"), issue.state) == (owed, state)
    assert newsroom.conclude(issue) == issue
    assert newsroom.owed("ann") == owed


def test_what_is_sent_again_and_then_rejected_is_given_back_once(newsroom: Newsroom) -> None:
    newsroom.join("ann")
    newsroom.arrive("a")
    issue = resolve(newsroom, newsroom.issue(ann=UNKNOWN), DeliveryState.PLANNED)
    newsroom.arrive("b")
    later = newsroom.planned()
    assert newsroom.has(later, "ann") == ["b"]
    issue = newsroom.deliver(issue, {"ann": REJECTED})
    assert (issue.state, newsroom.owed("ann")) == (IssueState.SENT, {"a": 1})
    newsroom.deliver(later)
    assert newsroom.owed("ann") == {"a": 1}
    assert newsroom.has(newsroom.issue(), "ann") == ["a"]


@pytest.mark.parametrize("first", ["weekly", "daily"])
@pytest.mark.parametrize("weekly", [Outcome.ACCEPTED, REJECTED])
@pytest.mark.parametrize("daily", [Outcome.ACCEPTED, REJECTED])
def test_two_issues_that_overlap_settle_in_either_order_without_a_repeat_or_a_loss(
    newsroom: Newsroom, first: str, weekly: Outcome, daily: Outcome
) -> None:
    newsroom.change(max_articles=2)
    newsroom.join("ann")
    newsroom.arrive("a", "b", "c")
    one = newsroom.planned(WEEKLY)
    newsroom.join("ann", None, DAILY)
    newsroom.arrive("d")
    other = newsroom.planned(DAILY)
    assert not set(newsroom.has(one, "ann")) & set(newsroom.has(other, "ann"))
    order = [(one, weekly), (other, daily)]
    for issue, outcome in order if first == "weekly" else order[::-1]:
        newsroom.deliver(issue, {"ann": outcome})
    for _ in range(4):
        newsroom.issue(DAILY)
    got = newsroom.counted()[newsroom.people["ann"]]
    assert got == dict.fromkeys(newsroom.articles().values(), 1)
    assert newsroom.owed("ann") == {}


def test_what_is_under_way_with_an_older_issue_stays_owed_until_that_has_ended(newsroom: Newsroom) -> None:
    """Its end may change nothing that could be seen of the subscription: it was owed before, and is owed again."""
    newsroom.change(max_articles=1)
    newsroom.join("ann")
    newsroom.arrive("a", "b")
    first, second = newsroom.planned(), newsroom.planned()
    newsroom.deliver(first)
    assert newsroom.has(second, "ann") == list(newsroom.owed("ann"))
    newsroom.arrive("c")
    third = newsroom.planned()
    newsroom.deliver(second, {"ann": REJECTED})
    newsroom.deliver(third)
    assert newsroom.owed("ann").keys() == set(newsroom.has(second, "ann"))
    newsroom.issue()
    assert newsroom.counted()[newsroom.people["ann"]] == dict.fromkeys(newsroom.articles().values(), 1)


def test_an_older_issue_that_goes_out_late_takes_nobody_back(newsroom: Newsroom) -> None:
    newsroom.join("ann", "python")
    newsroom.arrive("a")
    old = newsroom.freeze()
    newsroom.arrive("b")
    newsroom.arrive("c", tags=("data",))
    newsroom.issue()
    before = newsroom.coverage("ann")
    newsroom.deliver(newsroom.plan(newsroom.approve(old)))
    assert newsroom.coverage("ann") == before
    newsroom.join("ann", "python data")
    newsroom.arrive("d")
    assert newsroom.has(newsroom.issue(), "ann") == ["d"]


def test_what_came_to_be_owed_after_a_freeze_survives_that_issue(newsroom: Newsroom) -> None:
    newsroom.join("ann", frequency=DAILY)
    newsroom.arrive("later", at=MONDAY + LEASE)
    newsroom.arrive("a")
    held = newsroom.freeze(WEEKLY)
    newsroom.now += LEASE
    newsroom.arrive()
    newsroom.deliver(newsroom.planned(DAILY), {"ann": REJECTED})
    assert newsroom.owed("ann") == {"a": 1, "later": 1}
    newsroom.join("ann", None, WEEKLY)
    newsroom.deliver(newsroom.plan(newsroom.approve(held)))
    assert newsroom.owed("ann") == {"later": 1}
    assert newsroom.has(newsroom.issue(WEEKLY), "ann") == ["later"]


@pytest.mark.parametrize("outcome", [DEFERRED, UNKNOWN])
def test_what_was_in_flight_when_its_issue_was_cancelled_is_owed_and_the_issue_settles(
    newsroom: Newsroom, outcome: Outcome
) -> None:
    newsroom.join("ann")
    newsroom.join("bob")
    newsroom.arrive("a")
    issue = newsroom.planned()
    ledger = newsroom.ledger(issue)
    with newsroom.store.writing() as connection:
        found = ledger.claim(connection, 1, now=MONDAY, lease=LEASE)
        assert found is not None
        batch, whose = found[0].batch, mark_batch(ledger, connection, found[0].batch, found[0].recipients, now=MONDAY)
    assert cancel(newsroom, issue).settled_at is None
    with newsroom.store.writing() as connection:
        settle_batch(ledger, connection, batch, whose, Answer((outcome,), "421"), now=MONDAY, retry_at={})
    issue = newsroom.conclude(issue)
    assert issue.settled_at == MONDAY
    if outcome is UNKNOWN:
        resolve(newsroom, issue, DeliveryState.PLANNED)
    assert newsroom.states(issue) == {"ann": "cancelled", "bob": "cancelled"}
    assert (newsroom.owed("ann"), newsroom.owed("bob")) == ({"a": 1}, {"a": 1})
    assert newsroom.has(newsroom.issue(), "ann") == ["a"]


def test_to_conclude_with_an_issue_that_was_read_before_it_settled_changes_nothing(newsroom: Newsroom) -> None:
    newsroom.change(max_articles=1)
    newsroom.join("ann")
    newsroom.arrive("a", "b")
    stale = newsroom.planned()
    newsroom.deliver(stale)
    newsroom.issue()
    with newsroom.store.writing() as connection:
        conclude(connection, stale, now=MONDAY)
    assert newsroom.owed("ann") == {}


def test_a_new_subscriber_between_plan_and_settling_gets_the_next_issue_whole(newsroom: Newsroom) -> None:
    newsroom.join("ann")
    newsroom.arrive("a")
    issue = newsroom.planned()
    newsroom.join("bob")
    newsroom.deliver(issue)
    assert newsroom.states(issue) == {"ann": "accepted"}
    newsroom.arrive("b")
    later = newsroom.issue()
    assert (newsroom.has(later, "ann"), newsroom.has(later, "bob")) == (["b"], ["a", "b"])


def test_a_frequency_whose_first_issue_ends_late_starts_where_that_ended_and_not_where_others_have_come_to(
    newsroom: Newsroom,
) -> None:
    newsroom.join("ann", frequency=DAILY)
    newsroom.join("bob")
    newsroom.arrive("a")
    late = newsroom.planned(WEEKLY)
    newsroom.arrive("b")
    newsroom.issue(DAILY)
    newsroom.deliver(late)
    newsroom.join("eve")
    later = newsroom.issue(WEEKLY)
    assert (newsroom.has(later, "bob"), newsroom.has(later, "eve")) == (["b"], ["b"])


def test_settling_after_another_issue_does_not_ask_more_for_a_larger_audience(tmp_path: Path) -> None:
    counts = []
    for many in (3, 30):
        folder = tmp_path / str(many)
        folder.mkdir()
        with a_newsroom(folder) as newsroom:
            for number in range(many):
                newsroom.join(f"u{number}")
            newsroom.arrive("a")
            one = newsroom.planned()
            newsroom.arrive("b")
            other = newsroom.planned()
            newsroom.deliver(one)
            with newsroom.store.writing() as connection:
                assert upkeep.expire(connection, newsroom.ledger(other), now=MONDAY, reason="too long") == many
                with statements(connection) as asked:
                    assert conclude(connection, other, now=MONDAY).settled_at == MONDAY
            counts.append(len(asked))
            assert all((newsroom.coverage(name), newsroom.owed(name)) == (2, {"b": 1}) for name in newsroom.people)
    assert counts[0] == counts[1]
