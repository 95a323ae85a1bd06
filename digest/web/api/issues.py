"""Newsletters and their issues: what there is, and the account of what went out."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import HTTPException, Query, Request
from pydantic import BaseModel, Field

from digest.app import issuing
from digest.app.stating import stats_of
from digest.app.wiring import App
from digest.editors.scopes import Scope
from digest.errors import UsageError
from digest.insights.statistics import decisions
from digest.issues.issue import Issue, list_issues
from digest.issues.withdrawn import left_out
from digest.web.api.ways import Way, call_of

_NOT_THERE = {404: "No issue of that name"}
_UNREADABLE = {422: "What cannot be read"}


class Topic(BaseModel):
    """What readers may follow."""

    slug: str
    title: str


class Newsletter(BaseModel):
    """A newsletter as it is configured."""

    slug: str = Field(examples=["weekly"])
    title: str = Field(examples=["Backend Weekly"])
    timezone: str = Field(examples=["Europe/Berlin"])
    frequencies: list[str] = Field(examples=[["weekly"]])
    topics: list[Topic]


_ISSUE = {
    "issue": "weekly/12",
    "state": "sent",
    "newsletter": "weekly",
    "number": 12,
    "slot": "2026-11-23T09:00",
    "subject": "Databases: eleven new articles",
    "audience": 4211,
}


def ways() -> list[Way]:
    """Newsletters, issues, and the account of one."""
    one = "/issues/{newsletter}/{number}"
    read, count = Scope.ISSUES_READ, Scope.STATS_READ
    return [
        Way("GET", "/newsletters", read, newsletters, "The newsletters"),
        Way("GET", "/issues", read, issues, "Issues, the newest first", _UNREADABLE, example=[_ISSUE]),
        Way("GET", one, read, issue, "One issue", _NOT_THERE | _UNREADABLE, example=_ISSUE | {"decisions": [], "left_out": []}),
        Way("GET", f"{one}/stats", count, stats, "The account of an issue", _NOT_THERE | _UNREADABLE, example=_STATS),
    ]


def newsletters(request: Request) -> list[Newsletter]:
    """Those that are neither moved nor retired."""
    return [
        Newsletter(
            slug=one.slug,
            title=one.title,
            timezone=one.timezone,
            frequencies=[frequency.value for frequency in one.frequencies],
            topics=[Topic(slug=slug, title=topic.title) for slug, topic in one.topics.items()],
        )
        for one in call_of(request).app.newsletters(None)
    ]


def issues(
    request: Request,
    newsletter: Annotated[str, Query(max_length=100, description="Of this newsletter alone.")] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> list[dict[str, Any]]:
    """Drafts too; as `digest issues list --json` says it."""
    app = call_of(request).app
    if newsletter and newsletter not in {one.slug for one in app.settings.newsletters}:
        raise HTTPException(422, f"newsletter: there is no newsletter {newsletter!r}")
    with app.store.reading() as connection:
        found = list_issues(connection, newsletter or None)[:limit]
    return [one.to_json() for one in found]


def issue(request: Request, newsletter: str, number: str) -> dict[str, Any]:
    """With a decision for every candidate; as `digest issues show --json` says it."""
    app = call_of(request).app
    found = _issue(app, newsletter, number)
    with app.store.reading() as connection:
        withdrawn = [asdict(one) for one in left_out(connection, found)]
        return found.to_json() | {"decisions": decisions(connection, found), "left_out": withdrawn}


def stats(request: Request, newsletter: str, number: str) -> dict[str, Any]:
    """Its `account` names every state and sums to the `audience`; as `digest stats --json` says it."""
    app = call_of(request).app
    return stats_of(app, _issue(app, newsletter, number))


def _issue(app: App, newsletter: str, number: str) -> Issue:
    try:
        return issuing.named(app, f"{newsletter}/{number}")
    except UsageError:
        raise HTTPException(404, "There is no such issue.") from None


_STATS = {
    "issue": "weekly/12",
    "state": "sent",
    "audience": 4211,
    "account": {"accepted": 4190, "rejected": 3, "suppressed": 18},
    "reported": {"delivered": 4102, "bounced": 6},
    "alarms": [],
}
