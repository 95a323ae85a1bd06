"""Sending one issue that somebody named, for real or as a dry run."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from digest.app import issuing
from digest.app.checking import refuse_faulty
from digest.app.hearing import watch
from digest.app.processing import process
from digest.app.wiring import App
from digest.audience.pausing import any_due, resume_due
from digest.delivery.engines.feed import Feed
from digest.delivery.halting import in_force
from digest.delivery.press import NothingLeft
from digest.delivery.progress import OnProgress
from digest.delivery.sending import Sender, Sent
from digest.delivery.timing import Timing
from digest.errors import DigestError, Refused
from digest.issues.issue import Issue, frozen_of
from digest.issues.lifecycle import IssueState
from digest.settings import NewsletterSettings
from digest.store.queue import prepare_queue
from digest.traces import span


def send(app: App, issue: Issue, on_progress: OnProgress) -> Sent:
    """Plan and deliver an issue, or go on where an earlier send stopped. Holds the run lock; `Busy` when it is taken.

    What was reported is read first: it may tell that somebody is not to be mailed.
    """
    process(app)
    with app.run_lock():
        return send_locked(app, issuing.named(app, issue.name), on_progress)


def send_while(app: App, issue: Issue, still: Callable[[Issue], bool]) -> Sent | None:
    """`send` what was wanted a while ago: None where under the lock the issue is not `still` as it was wanted."""
    process(app)
    with app.run_lock():
        issue = issuing.named(app, issue.name)
        return send_locked(app, issue, lambda _: None) if still(issue) else None


def send_locked(app: App, issue: Issue, on_progress: OnProgress, *, approved_now: bool = False) -> Sent:
    """`send` for who holds the run lock already, and so knows that no other sender is alive on this database.

    What the caller has not `approved_now` is checked once more before it is planned. What is planned is not: some have it
    already, and the others shall get the same.
    """
    newsletter = app.newsletter(issue.newsletter)
    sender = sender_of(app, issue, on_progress)
    wrong = obstacle(app)
    if wrong is not None:
        raise Refused(wrong)
    if issue.state in {IssueState.DRAFT, IssueState.HELD} and newsletter.approval == "automatic":
        issue = issuing.approve(app, issue, "automatic")
    elif issue.state is IssueState.APPROVED and not approved_now:
        with suppress(NothingLeft):  # then everybody is skipped
            refuse_faulty(app, issue, "sent")  # what a check weighs may have been set since, or an article withdrawn
    go_on_after_pauses(app)
    if app.outbox is not None:
        app.outbox.begin(issue)
    app.epoch.advance()
    with span("send", issue=issue.name, dry_run=app.outbox is not None) as seen:
        sent = sender.send(issue, others_are_dead=True)
        seen.tell(deliveries=sent.touched, state=sent.issue.state.value)
    app.epoch.advance()  # a copy that was made while this was sent is an old one, too
    if app.outbox is not None:
        with app.store.reading() as connection:
            app.outbox.finish(connection, sent.issue, frozen_of(connection, sent.issue))
        return sent
    rings = watch(app, sent.issue, sent.account) if sent.ending is not None or sent.touched else ()
    return replace(sent, alarms=tuple(str(alarm) for alarm in rings))


def _timing(app: App, newsletter: NewsletterSettings, issue: Issue) -> Timing:
    """A dry run shows what everybody would get, at whatever hour. What belongs to no slot, or goes out when a person said, is for all at once."""
    if app.outbox is not None:
        return Timing(unhurried=True)
    by_slot = not issue.outside and issue.send_at is None
    return Timing(by_slot and newsletter.deliver_at == "local", newsletter.patience)


def sender_of(
    app: App,
    issue: Issue,
    on_progress: OnProgress = lambda _: None,
    feed: Feed | None = None,
    ends: threading.Event | None = None,
) -> Sender:
    """What sends an issue for an application: by itself, or as one of several workers that is given jobs through `feed`.

    `ends` is set when the process ends, where that is not `app.stop`.
    """
    if app.shares_work and feed is None:
        prepare_queue(app.store)
    return Sender(
        store=app.store,
        providers=app.providers(),
        settings=app.settings.delivery,
        key=app.key,
        public_url=app.settings.site.public_url,
        owner=app.owner,
        now=app.now,
        stop=app.stop,
        on_progress=on_progress,
        quotas=app.quotas(),
        unsubscribe_by_mail=app.settings.unsubscribe_by_mail,
        timing=_timing(app, app.newsletter(issue.newsletter), issue),
        workers=app.shares_work,
        feed=feed,
        ends=ends,
    )


def go_on_after_pauses(app: App) -> None:
    """Who is back from a pause by now belongs to the audience again."""
    with app.store.reading() as connection:
        if not any_due(connection, now=app.now):
            return
    with app.store.writing() as connection:
        resume_due(connection, now=app.now)


def obstacle(app: App) -> str | None:
    """Why nothing at all may be sent just now, and what to do: a halt, or a database that was restored or copied."""
    with app.store.reading() as connection:
        halted = in_force(connection)
    return app.epoch.obstacle() if halted is None else halted.advice


def rehearse(app: App, name: str, on_progress: OnProgress, *, every_message: bool) -> tuple[Sent, Path]:
    """A dry run of one issue, whatever it still waits for; returns where to look."""
    with app.rehearsing(every_message=every_message) as rehearsal:
        issue = issuing.named(rehearsal, name)
        waits = issue.state in {IssueState.DRAFT, IssueState.HELD}
        if waits:
            issue = issuing.approve(rehearsal, issue, "dry run")
        if issue.state is IssueState.PAUSED:
            issue = issuing.resume(rehearsal, issue, "dry run")
        sent = send_locked(rehearsal, issue, on_progress, approved_now=waits)
        if rehearsal.outbox is None:
            raise DigestError("a dry run without an outbox")
        return sent, rehearsal.outbox.folder(replace(issue))
