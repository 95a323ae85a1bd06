"""Deciding: what an editor does with an issue as they have seen it: approve, take that back, skip it, try it out."""

from __future__ import annotations

from digest.app import issuing
from digest.app.revising import Overtaken
from digest.app.testing_sends import send_test
from digest.app.wiring import App
from digest.editors import audit
from digest.errors import Refused, UsageError
from digest.issues import revisions
from digest.issues.issue import Issue
from digest.issues.lifecycle import IssueState, time_after_void

_VOID = {"approved_hash": None, "approved_by": None, "approved_at": None}


def decide(app: App, name: str, verb: str, *, revision: int, actor: str, network: str | None, reason: str = "") -> Issue:
    """`approve`, `unapprove` or `skip` an issue at the revision that was seen; `Overtaken` where it is another by now."""
    issue = seen(app, name, revision)
    match verb:
        case "approve":
            done = issuing.approve(app, issue, actor)
        case "unapprove":
            done = _unapprove(app, issue, actor)
        case "skip":
            if not reason:
                raise UsageError("reason: say why it is skipped; it stands in the issue's history")
            done = issuing.change(app, issue, IssueState.SKIPPED, actor, reason, of_revision=revision, finished_at=app.now)
        case _:
            raise UsageError(f"{verb!r} is nothing that is decided here")
    write_down(app, actor, {"approve": "approved", "unapprove": "took the approval back", "skip": "skipped"}[verb], name, network)
    return done


def try_out(app: App, name: str, email: str, *, revision: int, actor: str, network: str | None) -> str:
    """Send a test mail; returns what the provider says."""
    said = send_test(app, seen(app, name, revision), email)
    write_down(app, actor, "sent a test", f"{name} to {email}", network)
    return said


def seen(app: App, name: str, revision: int) -> Issue:
    """The issue, at the revision that somebody has seen."""
    issue = issuing.named(app, name)
    if issue.revision != revision:
        with app.store.reading() as connection:
            raise Overtaken(issue, revisions.since(connection, issue.id, revision))
    return issue


def _unapprove(app: App, issue: Issue, actor: str) -> Issue:
    if issue.state is not IssueState.APPROVED:
        raise Refused(f"issue {issue.name} is not approved")
    reason = "the approval was taken back"
    void = _VOID | {"send_at": time_after_void(issue.send_at, app.now)}
    return issuing.change(app, issue, IssueState.DRAFT, actor, reason, of_revision=issue.revision, **void)


def write_down(app: App, actor: str, act: str, about: str, network: str | None) -> None:
    """Into the audit."""
    with app.store.writing() as connection:
        audit.write_down(connection, audit.Line(app.now, actor, act, about, network))
