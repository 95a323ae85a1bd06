"""Conducting: what an editor does with an issue that is about to go out, or is going out: send it now, pause it, let it go on, end it.

Whoever is sending it, this process or another one: its next step asks the database, and stops. What is wanted to be sent goes out in
the background of `digest serve`, by what `digest send` does and under the same lock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import update

from digest.app import issuing
from digest.app.attending import Attendant
from digest.app.deciding import seen, write_down
from digest.app.noticing import NOT_SENT
from digest.app.sending import obstacle, send_while
from digest.app.wiring import App
from digest.delivery.guarding import AudienceJump, check_audience, last_audience
from digest.delivery.plan import count_audience
from digest.errors import Busy, DigestError, Refused, UsageError
from digest.issues.issue import Issue, issue_by_id
from digest.issues.lifecycle import WHY_NOT, IssueState, record
from digest.logs import logger
from digest.store import tables

_S = IssueState
_EVERY = 5.0  # seconds between two times at which is tried what another run was in the way of
_log = logger("digest.sending")


def send_now(app: App, name: str, *, revision: int, typed: str, audience: int | None, actor: str, network: str | None) -> Issue:
    """Say that an approved issue is to go out now, whenever its slot is. Whoever asks has typed its name.

    It is written down: should this process end, the next `digest run` sends it. `AudienceJump` until `audience` says how many are right.
    """
    issue = seen(app, name, revision)
    _typed(issue, typed)
    _may_leave(app)
    if issue.state is not _S.APPROVED:
        raise Refused(f"issue {issue.name} cannot be sent: {WHY_NOT[issue.state]}")
    issue = _right_audience(app, issue, audience, actor)
    with app.store.writing() as connection:
        row = tables.issue.c
        mine = (row.id == issue.id, row.state == _S.APPROVED.value, row.revision == revision)
        if connection.execute(update(tables.issue).where(*mine).values(send_at=app.now)).rowcount != 1:
            raise Refused(f"issue {issue.name} was changed meanwhile; look at it again")
        record(connection, issue.id, issue.state, issue.state, actor=actor, now=app.now, reason="to be sent now")
    write_down(app, actor, "sent now", issue.name, network)
    return issuing.named(app, name)


def pause(app: App, name: str, *, reason: str, actor: str, network: str | None) -> Issue:
    """Stop an issue that is being sent, by whomever; what is in flight is finished."""
    done = issuing.change(app, issuing.named(app, name), _S.PAUSED, actor, reason or "paused at the desk")
    write_down(app, actor, "paused", name, network)
    return done


def go_on(app: App, name: str, *, actor: str, network: str | None) -> Issue:
    """Let a paused issue go on; nobody is skipped."""
    _may_leave(app)
    done = issuing.resume(app, issuing.named(app, name), actor)
    write_down(app, actor, "let go on", name, network)
    return done


def cancel_the_rest(app: App, name: str, *, typed: str, reason: str, actor: str, network: str | None) -> Issue:
    """End an issue that is being sent: who has not got it never will. Whoever asks has typed its name, and says why."""
    issue = issuing.named(app, name)
    _typed(issue, typed)
    if not reason:
        raise UsageError("reason: say why the rest is cancelled; it stands in the issue's history")
    if issue.state not in (_S.SENDING, _S.PAUSED):
        raise Refused(f"there is no rest of issue {issue.name} to cancel: {WHY_NOT[issue.state]}")
    done = issuing.cancel(app, issue, actor, reason)
    write_down(app, actor, "cancelled the rest", f"{name}: {reason}", network)
    return done


def _typed(issue: Issue, typed: str) -> None:
    if typed.strip() != issue.name:
        raise UsageError(f"name: type {issue.name} to say that this is the one you mean")


def _may_leave(app: App) -> None:
    if not app.sends_for_real:
        raise Refused("delivery.provider is dry-run, which sends nothing; name another provider")
    wrong = obstacle(app)
    if wrong is not None:
        raise Refused(wrong)


def question(app: App, issue: Issue) -> AudienceJump | None:
    """What has to be answered before an issue is sent: whether its audience is right, where that is far above the last one's."""
    with app.store.reading() as connection:
        if last_audience(connection, issue) is None:
            return None
        try:
            check_audience(connection, issue, count_audience(connection, issue), app.settings.delivery)
        except AudienceJump as jump:
            return jump
    return None


def _right_audience(app: App, issue: Issue, audience: int | None, actor: str) -> Issue:
    """The issue, where its audience is as usual, or somebody has said that so many are right."""
    jump = question(app, issue)
    if jump is None:
        return issue
    if audience is None or audience < jump.audience:
        raise jump
    return issuing.confirm_audience(app, issue, audience, actor)


class Outgoing:
    """The issues that are wanted to be sent by this process, one after the other. `stop` ends it, and what it is sending."""

    def __init__(self, stop: threading.Event | None = None) -> None:
        self.stop = stop or threading.Event()
        self._waiting: dict[str, _Wanted] = {}
        self._now = ""
        self._wake: Callable[[], None] = lambda: None
        self._lock = threading.Lock()

    def want(self, issue: Issue) -> None:
        """Send this one as it stands now, or go on with it."""
        with self._lock:
            self._waiting[issue.name] = _Wanted(issue.revision)
        self._wake()

    def waits(self, name: str) -> str | None:
        """What a wanted issue waits for: another run that is at work, or nothing (empty); None where it is not wanted any more."""
        with self._lock:
            wanted = self._waiting.get(name)
            return wanted.behind if wanted is not None else "" if name == self._now else None

    def send_all(self, app: App) -> None:
        """Send what is wanted. What another run is in the way of stays wanted; so does what is wanted once more while it is sent: it may
        have been paused meanwhile, and let go on."""
        with self._lock:
            names = list(self._waiting)
        for name in names:
            if app.stop.is_set():
                return
            with self._lock:
                self._now, wanted = name, self._waiting.pop(name)
            busy = None
            try:
                busy = _send_one(app, name, wanted.revision)
            finally:
                with self._lock:
                    self._now = ""
                    if busy is not None:
                        self._waiting.setdefault(name, _Wanted(wanted.revision, busy))

    def attendant(self, make: Callable[[], App]) -> Attendant:
        """The thread that does it."""
        thread = Attendant(self.send_all, make, self.stop, name="issues that are wanted", every=_EVERY)
        self._wake = thread.wake
        return thread


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which revision is wanted, and behind what other run it waits."""

    revision: int
    behind: str = ""


def _send_one(app: App, name: str, revision: int) -> str | None:
    """Send an issue; what it waits for where another run is at work, else None. Why it was not sent stands in its history."""

    def still(issue: Issue) -> bool:
        """Nobody has thought better of it, by an edit, another time or taking the approval back."""
        to_begin = issue.state is _S.APPROVED and issue.send_at is not None and issue.due_at <= app.now
        return issue.revision == revision and (to_begin or issue.state is _S.SENDING)

    issue = issuing.named(app, name)
    if not still(issue):
        return None
    try:
        sent = send_while(app, issue, still)
    except Busy as busy:
        return str(busy)
    except DigestError as error:
        _not_sent(app, issue, str(error))
        return None
    if sent is not None:
        _log.info("%s: %s", sent.issue.name, sent.issue.state, action="issue_sent", issue=sent.issue.name)
    return None


def _not_sent(app: App, issue: Issue, why: str) -> None:
    _log.error("%s was not sent: %s", issue.name, why, action="issue_not_sent", issue=issue.name)
    with app.store.writing() as connection:
        now = issue_by_id(connection, issue.id)
        record(connection, now.id, now.state, now.state, actor="digest serve", now=app.now, reason=f"{NOT_SENT}{why}")
