"""Standing: how far an issue has got that is being sent, as the ledger has it at a moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from digest.app.wiring import App
from digest.delivery.account import account
from digest.delivery.transitions import UNSENT
from digest.issues.issue import find_issue
from digest.issues.lifecycle import IssueState

_OPEN = frozenset(state.value for state in UNSENT)

_GOING_OUT = (IssueState.APPROVED, IssueState.SENDING, IssueState.PAUSED)


@dataclass(frozen=True, slots=True)
class Standing:
    """Of one issue: its state, how many deliveries stand where, and whether nothing of it waits any more."""

    name: str
    state: IssueState
    audience: int
    account: Mapping[str, int]
    settled: bool

    @property
    def goes_out(self) -> bool:
        """Whether something may happen to it without an editor, or soon."""
        return not self.settled and self.state in _GOING_OUT

    @property
    def waiting(self) -> int:
        """How many something may still happen to."""
        return sum(many for state, many in self.account.items() if state in _OPEN)

    @property
    def done(self) -> int:
        """How many have come to an end."""
        return self.audience - self.waiting


def stands(app: App, name: str) -> Standing:
    """How an issue stands; `UsageError` where there is none. Reads only."""
    with app.store.reading() as connection:
        issue = find_issue(connection, name)
        counted = account(connection, issue)
    return Standing(issue.name, issue.state, issue.audience or 0, counted, issue.settled_at is not None)
