"""What a person or a run does with an issue: draft, approve, hold, skip, cancel, pause, resume, resolve."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, update

from digest.app import slotting
from digest.app.checking import refuse_faulty
from digest.app.editing import Wish, understand, write_down
from digest.app.succeeding import succeed
from digest.app.wiring import App
from digest.audience.pausing import resume_due
from digest.catalogue.storing import highest_arrival
from digest.delivery import jobs, upkeep
from digest.delivery.account import unknown
from digest.delivery.heeding import heed_waiting
from digest.delivery.ledger import Ledger
from digest.delivery.settling import conclude
from digest.delivery.transitions import DeliveryState
from digest.errors import Refused, UsageError
from digest.issues.calendar import Slot
from digest.issues.editing import Edits
from digest.issues.freezing import freeze, refreeze
from digest.issues.frozen import Frozen
from digest.issues.issue import Issue, find_issue, frozen_of, issue_by_id, issue_of_slot
from digest.issues.lifecycle import STEPS, WHY_NOT, IssueState, record, step
from digest.settings import Frequency, NewsletterSettings
from digest.store import tables
from digest.traces import span

_S = IssueState


def coming_slot(app: App, newsletter: NewsletterSettings, frequency: Frequency) -> Slot:
    """The slot that is due, not too late and has no issue yet, or else the next one."""
    due = slotting.due(app, newsletter, frequency)
    if due is not None and not slotting.too_late(app, newsletter, frequency, due):
        with app.store.reading() as connection:
            if issue_of_slot(connection, newsletter.slug, frequency.value, due.name) is None:
                return due
    coming = slotting.coming(app, newsletter, frequency)
    if coming is None:
        cron = newsletter.schedule[frequency]
        raise UsageError(f"newsletters.{newsletter.slug}.schedule: {cron!r} has no date left")
    return coming


def draft(
    app: App, newsletter: NewsletterSettings, frequency: Frequency, slot: Slot, actor: str, wish: Wish | None = None
) -> Issue:
    """Freeze the issue of a slot, as an editor wishes. Refused when the slot has one already, and when it would be skipped:
    that is for its time to decide."""
    succeed(app)
    with app.store.writing() as connection:
        found = issue_of_slot(connection, newsletter.slug, frequency.value, slot.name)
        if found is not None:
            raise Refused(f"the slot {slot.name} has its issue already: {found.name}, {found.state}")
        wished = understand(connection, wish or Wish(), highest_arrival(connection))
        issue = freeze_in(app, connection, newsletter, frequency, slot, actor, wished.edits(Edits()))
        if issue.state is _S.SKIPPED:
            raise Refused(f"nothing was drafted for {newsletter.slug}, slot {slot.name}: {issue.reason}")
        write_down(app, connection, issue, wished, actor)
        return issue


def freeze_in(
    app: App,
    connection: Connection,
    newsletter: NewsletterSettings,
    frequency: Frequency,
    slot: Slot,
    actor: str,
    edits: Edits | None = None,
) -> Issue:
    """Freeze the issue of a slot inside a transaction that may yet be undone."""
    resume_due(connection, now=app.now)
    folders = app.template_folders
    now, settings = app.now, app.settings
    with span("draft", newsletter=newsletter.slug, slot=slot.name):
        return freeze(connection, settings, newsletter, frequency, slot, folders=folders, now=now, actor=actor, edits=edits)


def redraft(app: App, issue: Issue, actor: str) -> Issue:
    """Freeze an issue anew, as its next revision: after its template or an article was mended. The same again is no revision.

    Refused once it is planned.
    """
    if _S.DRAFT not in STEPS[issue.state]:
        raise Refused(f"issue {issue.name} cannot be drafted again: {WHY_NOT[issue.state]}")
    newsletter = app.newsletter(issue.newsletter)
    try:
        with app.store.writing() as connection:
            issue, folders = issue_by_id(connection, issue.id), app.template_folders  # it may have been edited meanwhile
            before = frozen_of(connection, issue)
            with span("draft", newsletter=newsletter.slug, issue=issue.name):
                anew = refreeze(connection, app.settings, newsletter, issue, folders=folders, now=app.now, actor=actor)
            if _same(issue, before, anew, frozen_of(connection, anew)):
                raise _SameAgain
            return anew
    except _SameAgain:
        return issue


def _same(issue: Issue, before: Frozen, anew: Issue, after: Frozen) -> bool:
    """Whether an issue that was frozen anew says the same, to the same readers."""
    if (before.content, before.rules) != (after.content, after.rules):
        return False  # the hash is of every article that somebody may get, however many of them these rules let through
    return (anew.content_hash, anew.reason) == (issue.content_hash, issue.reason if not issue.rendered else None)


class _SameAgain(Exception):
    """Undoes a freeze that changed nothing."""


def approve(app: App, issue: Issue, actor: str) -> Issue:
    """Sign the content hash. Errors of the checks refuse it, and so does a change while they looked; an approval of what is
    approved changes nothing."""
    if issue.state is _S.APPROVED:
        return issue
    if _S.APPROVED not in STEPS[issue.state]:
        raise Refused(f"issue {issue.name} cannot be approved: {WHY_NOT[issue.state]}")
    refuse_faulty(app, issue, "approved")
    values = {"approved_hash": issue.content_hash, "approved_by": actor, "approved_at": app.now}
    return change(app, issue, _S.APPROVED, actor, None, of_revision=issue.revision, **values)


def change(
    app: App, issue: Issue, to: IssueState, actor: str, reason: str | None, of_revision: int | None = None, **values: Any
) -> Issue:
    """Take an issue to another state."""
    values |= {"actor": actor, "now": app.now, "reason": reason, "of_revision": of_revision}
    with app.store.writing() as connection:
        step(connection, issue.id, issue.name, issue.state, to, **values)
        return issue_by_id(connection, issue.id)


def skip(app: App, issue: Issue, actor: str, reason: str) -> Issue:
    """Let a slot pass without its issue; the articles roll over."""
    return change(app, issue, _S.SKIPPED, actor, reason, finished_at=app.now)


def cancel(app: App, issue: Issue, actor: str, reason: str) -> Issue:
    """End an issue: what has not gone out never will, and its articles are owed."""
    with app.store.writing() as connection:
        step(
            connection,
            issue.id,
            issue.name,
            issue.state,
            _S.CANCELLED,
            actor=actor,
            now=app.now,
            reason=reason,
            finished_at=app.now,
        )
        if issue.audience is not None:
            upkeep.cancel(connection, _ledger(app, issue, actor), now=datetime.now(UTC), reason=reason)
            conclude(connection, issue_by_id(connection, issue.id), now=app.now)
        return issue_by_id(connection, issue.id)


def confirm_audience(app: App, issue: Issue, audience: int, actor: str) -> Issue:
    """A person says that an issue may go to so many, however few the last one went to."""
    with app.store.writing() as connection:
        values = {"audience_confirmed": audience}
        connection.execute(update(tables.issue).where(tables.issue.c.id == issue.id).values(values))
        reason = f"an audience of up to {audience:,} is right"
        record(connection, issue.id, issue.state, issue.state, actor=actor, now=app.now, reason=reason)
        return issue_by_id(connection, issue.id)


def tidy(app: App, issue: Issue) -> Issue:
    """Settle an issue that was cancelled while a process that has since died was sending it; for who holds the run lock.

    Workers need no run lock: what they have under way is answered first, and a later run settles the issue.
    """
    with app.store.writing() as connection:
        ended = jobs.ended(connection, issue.id, app.owner)
        alone = not app.shares_work and not jobs.any_at_work(connection, issue.id)
        ledger = _ledger(app, issue, app.owner)
        upkeep.sweep(connection, ledger, now=datetime.now(UTC), others_are_dead=alone, ended=ended)
        return conclude(connection, issue, now=app.now)


def resume(app: App, issue: Issue, actor: str) -> Issue:
    """Let a paused issue go on; what was deferred is tried at once."""
    if issue.state is not _S.PAUSED:  # an approved one may become `sending` too, but by its plan alone
        raise Refused(f"issue {issue.name} is not paused: {WHY_NOT[issue.state]}")
    with app.store.writing() as connection:
        step(connection, issue.id, issue.name, issue.state, _S.SENDING, actor=actor, now=app.now)
        heed_waiting(connection, issue.id, actor=actor[:64], now=datetime.now(UTC))
        upkeep.replan(connection, _ledger(app, issue, actor), now=datetime.now(UTC), all_of_them=True)
        return issue_by_id(connection, issue.id)


def resolve(app: App, issue: Issue, to: DeliveryState, actor: str, reason: str) -> int:
    """Say what became of an issue's unknown deliveries; returns how many there were."""
    with app.store.writing() as connection:
        heed_waiting(connection, issue.id, actor=actor[:64], now=datetime.now(UTC))
        whose = unknown(connection, issue.id)
        done = upkeep.resolve(connection, _ledger(app, issue, actor), whose, to, now=datetime.now(UTC), reason=reason)
        conclude(connection, issue, now=app.now)
        return done


def named(app: App, name: str) -> Issue:
    """The issue called `NEWSLETTER/NUMBER`."""
    with app.store.reading() as connection:
        return find_issue(connection, name)


def _ledger(app: App, issue: Issue, actor: str) -> Ledger:
    return Ledger(issue.id, issue.newsletter, app.settings.delivery.provider, actor[:64])
