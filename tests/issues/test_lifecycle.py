"""The steps of an issue, every pair of them."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from digest.errors import Refused
from digest.issues.issue import issue_by_id
from digest.issues.lifecycle import IssueState, step
from digest.store import tables
from tests.issues.newsroom import MONDAY, Newsroom

S = IssueState
BEFORE = {S.DRAFT, S.HELD, S.SKIPPED, S.CANCELLED}
THERE_ARE = {
    S.DRAFT: BEFORE | {S.APPROVED},
    S.HELD: BEFORE | {S.APPROVED},
    S.APPROVED: BEFORE | {S.SENDING},
    S.SENDING: {S.PAUSED, S.SENT, S.CANCELLED},
    S.PAUSED: {S.SENDING, S.CANCELLED},
}


@pytest.mark.parametrize("start", IssueState)
def test_each_step_is_there_and_recorded_or_refused_and_nothing_changes(newsroom: Newsroom, start: IssueState) -> None:
    newsroom.arrive("a")
    issue = newsroom.freeze()
    for end in IssueState:
        with newsroom.store.writing() as connection:
            connection.execute(tables.issue.update().values(state=start.value))
            connection.execute(tables.issue_history.delete())
            if end in THERE_ARE.get(start, set()):
                step(connection, issue.id, issue.name, start, end, actor="ann", now=MONDAY, reason="why")
                line = connection.execute(select(tables.issue_history)).one()
                assert (line.from_state, line.to_state, line.actor, line.reason) == (start, end, "ann", "why")
                assert issue_by_id(connection, issue.id).state is end
            else:
                with pytest.raises(Refused, match=f"weekly/1 cannot become {end}"):
                    step(connection, issue.id, issue.name, start, end, actor="ann", now=MONDAY)
                assert issue_by_id(connection, issue.id).state is start
                assert connection.execute(select(tables.issue_history)).all() == []


def test_whoever_was_overtaken_is_told_how_the_issue_stands_now(newsroom: Newsroom) -> None:
    newsroom.arrive("a")
    issue = newsroom.freeze()
    newsroom.step(issue, S.SKIPPED)
    with newsroom.store.writing() as connection, pytest.raises(Refused, match="meanwhile it was skipped"):
        step(connection, issue.id, issue.name, issue.state, S.APPROVED, actor="ann", now=MONDAY)
