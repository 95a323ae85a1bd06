"""Following one person: everything that is known of them, and why they get an issue, or why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from digest.app.knowing import known_of
from digest.app.wiring import App
from digest.audience.finding import subscriber_by_id
from digest.audience.subscriber import Subscriber
from digest.insights.explaining import Explanation, explain
from digest.insights.mails import held
from digest.insights.reading import standing
from digest.issues.issue import find_issue, latest_issues
from digest.issues.lifecycle import IssueState

_OFFERED = 10


@dataclass(frozen=True, slots=True)
class Story:
    """A person and all that is `known` of them; `held` are the titles of what each mail held, by issue; `offered` are issues that one
    may ask about, and `explanation` says why they got the one that was asked for, or why not."""

    person: Subscriber
    known: dict[str, Any]
    held: dict[str, tuple[str, ...]]
    offered: tuple[str, ...]
    explanation: Explanation | None


def follow(app: App, number: int, issue: str) -> Story | None:
    """Somebody's story, with the explanation of an issue where one is named; None where there is nobody. `UsageError` where the
    issue is none of theirs."""
    with app.store.reading() as connection:
        person = subscriber_by_id(connection, number)
        if person is None:
            return None
        explanation = _explain(connection, issue, person) if issue else None
        known = known_of(connection, person)
        theirs = [one["newsletter"] for one in known["subscriptions"]]
        offered = [one.name for slug in theirs for one in latest_issues(connection, slug, list(IssueState), _OFFERED)]
        return Story(person, known, held(connection, person.id), tuple(offered), explanation)


def _explain(connection: Connection, name: str, person: Subscriber) -> Explanation:
    found = find_issue(connection, name)
    return explain(found, standing(connection, found, person.email))
