"""Stating: the account of an issue, with what rings of it, as the command line and the API say it."""

from __future__ import annotations

from typing import Any

from digest.app.hearing import look
from digest.app.wiring import App
from digest.insights.statistics import statistics
from digest.issues.issue import Issue


def stats_of(app: App, issue: Issue) -> dict[str, Any]:
    """`issue, state, audience, account` and more; `account` names every state and sums to `audience`."""
    with app.store.reading() as connection:
        return statistics(connection, issue) | {"alarms": [str(alarm) for alarm in look(app, connection, issue)]}
