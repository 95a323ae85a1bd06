"""The run: everything that is due, for cron. Fetch, draft, approve if automatic, plan, send, account; safe to repeat."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from digest.app import issuing, slotting
from digest.app.calling_out import call_out
from digest.app.carrying import forget_old, send_letters
from digest.app.catching_up import let_go
from digest.app.checking import FAILED, ChecksFailed, refuse_faulty
from digest.app.drafting import draft_ahead
from digest.app.fetching import Fetched, OnFetched, fetch
from digest.app.mailing_back import TakenIn, read_mailbox
from digest.app.noticing import take_notice, tell_failed
from digest.app.processing import Processed, process
from digest.app.remembering import remembered
from digest.app.retaining import Retained, retain
from digest.app.sending import go_on_after_pauses, obstacle, send_locked
from digest.app.sunsetting import Sunset, ask_the_silent
from digest.app.unapproved import WAITS, decide_without, remind
from digest.app.wiring import App
from digest.audience.pausing import why_nobody
from digest.delivery.ending import OUT_OF_REACH, PAUSING, Ending
from digest.delivery.plan import count_audience
from digest.delivery.progress import OnProgress
from digest.delivery.sending import Sent
from digest.errors import Busy, DigestError, Refused, Unreachable, UsageError
from digest.issues.calendar import Slot
from digest.issues.issue import Issue, any_planned_after, issue_by_id, issue_of_slot, list_issues
from digest.issues.lifecycle import AUTOMATIC, BY_ITSELF, IssueState
from digest.settings import Frequency, NewsletterSettings
from digest.traces import span

_S = IssueState
_LOOK = 0.5  # seconds between two looks whether another run has ended


@dataclass(frozen=True, slots=True)
class Handled:
    """What a run did with one issue; `sent` is None when it sent nothing of it."""

    issue: Issue
    note: str
    sent: Sent | None = None
    refused: bool = False


@dataclass(slots=True)
class Ran:
    """The account of a run."""

    fetched: Fetched
    handled: list[Handled] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    letters: int = 0  # confirmations and their like, of those that waited
    halted: str | None = None  # why all sending is halted, and what to do
    heard: Processed = field(default_factory=Processed)  # what providers had reported since
    returned: TakenIn = field(default_factory=TakenIn)  # what came back by mail
    sunset: list[Sunset] = field(default_factory=list)  # who was asked whether they want to go on, and who let go
    mailbox: str | None = None  # why that could not be read
    retained: Retained = field(default_factory=Retained)  # what was old, and thrown away
    drafted: list[Issue] = field(default_factory=list)  # ahead of their slots
    missed: list[str] = field(default_factory=list)  # slots of which nothing is sent any more

    @property
    def has_news(self) -> bool:
        """Whether there is anything that somebody who looks on would want to read."""
        told = (self.handled, self.drafted, self.waiting, self.letters, self.heard.any, self.halted, self.sunset, self.mailbox)
        return any(told) or self.fetched.failed


@remembered
def run(
    app: App,
    slug: str | None,
    on_progress: OnProgress,
    on_read: OnFetched = lambda _: None,
    *,
    lately: Fetched | None = None,
) -> Ran:
    """Do everything that is due, what was reported first. Holds the run lock; `Busy` when another run or send has it.

    Asked to stop while sources are read, it ends there: an issue is not made of half of them. `on_read` hears of each source.
    What was read `lately` is not read again, unless an issue is to be made of it.
    """
    try:
        with span("run", dry_run=app.outbox is not None):
            ran = _run(app, slug, on_progress, on_read, lately)
    except (Busy, UsageError):
        raise
    except Exception as error:
        if app.outbox is None:
            with suppress(Exception):  # the store may be what failed, and what failed is what is told
                tell_failed(app, str(error) if isinstance(error, DigestError) else type(error).__name__)
                call_out(app)
        raise
    if app.outbox is None:
        call_out(app)  # with the lock free: who is called may take their time
    return ran


def _run(app: App, slug: str | None, on_progress: OnProgress, on_read: OnFetched, lately: Fetched | None) -> Ran:
    newsletters = app.newsletters(slug)
    app.providers()  # what it lacks is said before anything is done
    # Before it waits for nobody: a send may go on for hours, and what is told of it meanwhile may be a reason to stop it.
    heard = process(app) if app.outbox is None else Processed()
    with app.run_lock():
        fresh = lately is None or any(_to_be_made(app, newsletter) for newsletter in newsletters)
        ran = Ran(fetch(app, on_read) if lately is None or fresh else lately, heard=heard)
        if ran.fetched.stopped:
            return ran
        _read_mailbox(app, ran)
        go_on_after_pauses(app)
        for newsletter in newsletters:
            ran.handled += [Handled(issue, issue.reason or "") for issue in let_go(app, newsletter)]
            for issue in _begun(app, newsletter):
                ran.handled.append(_go_on(app, issue, on_progress))
            ran.handled += _paused(app, newsletter, ran)
            for issue in _before_their_slots(app, newsletter):
                _decide_and_go_on(app, newsletter, issue, ran, on_progress)
            for frequency in newsletter.frequencies:
                _due(app, newsletter, frequency, ran, on_progress)
            ran.drafted += draft_ahead(app, newsletter)
        ran.halted = obstacle(app)
        if app.outbox is None:
            if ran.halted is None:
                ran.sunset = ask_the_silent(app, newsletters)
            tell_editors(app)
            ran.letters = send_letters(app)
            forget_old(app)
            ran.retained = retain(app)
        return ran


def tell_editors(app: App) -> None:
    """Queue what editors are to be told: reminders, and what has happened."""
    remind(app)
    take_notice(app)


def _to_be_made(app: App, newsletter: NewsletterSettings) -> bool:
    """Whether a slot has come whose issue is not there yet."""
    due = ((frequency, slotting.due(app, newsletter, frequency)) for frequency in newsletter.frequencies)
    with app.store.reading() as connection:
        return any(
            slot is not None and issue_of_slot(connection, newsletter.slug, frequency.value, slot.name) is None
            for frequency, slot in due
        )


def _read_mailbox(app: App, ran: Ran) -> None:
    """What bounced is heeded before anything is sent; a mailbox that cannot be read stops nothing."""
    if app.settings.bounces.host is None or app.outbox is not None:
        return
    try:
        ran.returned = read_mailbox(app)
    except Unreachable as error:
        ran.mailbox = str(error)


def run_when_free(
    app: App,
    slug: str | None,
    on_progress: OnProgress,
    on_read: OnFetched,
    *,
    patience: timedelta,
    clock: Callable[[], datetime],
) -> Ran:
    """`run`, at the latest so long after another one has ended; `Busy` when that one goes on for longer, or we are told to stop."""
    ends = time.monotonic() + patience.total_seconds()
    while True:
        try:
            return run(app, slug, on_progress, on_read)
        except Busy:
            if time.monotonic() >= ends or app.stop.wait(_LOOK):
                raise
            app = replace(app, now=clock())


def _begun(app: App, newsletter: NewsletterSettings) -> Iterator[Issue]:
    """Issues that were approved or half sent, oldest first, and those that paused for want of a connection."""
    with app.store.reading() as connection:
        issues = list_issues(connection, newsletter.slug)[::-1]
    for listed in issues:
        if listed.state in {_S.SENT, _S.SKIPPED}:
            continue
        issue = issuing.named(app, listed.name)  # while the one before was sent, somebody may have thought better of this one
        if issue.state is _S.CANCELLED and issue.audience is not None and issue.settled_at is None:
            issuing.tidy(app, issue)
        elif issue.state is _S.SENDING or (issue.state is _S.APPROVED and issue.due_at <= app.now):
            yield issue  # what was begun before its time goes on all the same
        elif issue.state is _S.PAUSED and (issue.reason or "").startswith(OUT_OF_REACH):
            yield issuing.resume(app, issue, "run")


def _paused(app: App, newsletter: NewsletterSettings, ran: Ran) -> list[Handled]:
    """Issues that wait for a person to resume them: said again by every run."""
    told = {handled.issue.id for handled in ran.handled}
    with app.store.reading() as connection:
        issues = list_issues(connection, newsletter.slug)
    paused = (issue for issue in issues if issue.state is _S.PAUSED and issue.id not in told)
    return [Handled(issue, f"`digest issues resume {issue.name}` lets it go on", refused=True) for issue in paused]


def _go_on(app: App, issue: Issue, on_progress: OnProgress, *, approved_now: bool = False) -> Handled:
    if issue.state is _S.APPROVED and not _corrects_what_goes_out(app, issue) and audience_of(app, issue) == 0:
        reason = _why_nobody(app, issue)
        return Handled(issuing.skip(app, issue, "run", reason), reason)
    wrong = obstacle(app)
    if wrong is not None:
        return Handled(issue, wrong, refused=True)
    try:
        sent = send_locked(app, issue, on_progress, approved_now=approved_now)
    except ChecksFailed as failed:
        return Handled(hold(app, issue, str(failed)), str(failed), refused=True)
    except Refused as refused:  # stops this issue alone
        return Handled(issuing.named(app, issue.name), str(refused), refused=True)
    note = "; ".join(filter(None, (sent.reason, str(sent.coming or ""))))
    return Handled(sent.issue, note, sent, refused=sent.ending in PAUSING - {Ending.OUT_OF_REACH})


def _corrects_what_goes_out(app: App, issue: Issue) -> bool:
    """Whether it is not known yet who was sent what this issue corrects: its plan says so, and it is not skipped for want of readers."""
    if issue.corrects is None:
        return False
    with app.store.reading() as connection:
        return issue_by_id(connection, issue.corrects).settled_at is None


def _due(app: App, newsletter: NewsletterSettings, frequency: Frequency, ran: Ran, on_progress: OnProgress) -> None:
    """The slot that is due, if one is: make its issue, or take the one that waits for it."""
    slot = slotting.due(app, newsletter, frequency)
    if slot is None:
        return
    with app.store.reading() as connection:
        issue = issue_of_slot(connection, newsletter.slug, frequency.value, slot.name)
        is_over = issue is None and any_planned_after(connection, newsletter.slug, frequency.value, slot.name)
    made = issue is None
    if is_over:
        return  # who was ahead of everybody has left, and what has been over is due once more
    if issue is None and slotting.too_late(app, newsletter, frequency, slot):
        ran.missed.append(
            f"{newsletter.slug}, slot {slot.name}: it is too late for it by now; its articles go into the next issue"
        )
        return
    if issue is None:
        issue = _draft(app, newsletter, frequency, slot, ran)
    elif issue.state is _S.HELD and _may_be_mended(newsletter, issue):
        issue, made = issuing.redraft(app, issue, "run"), True
    if issue is None or (issue.send_at is not None and issue.send_at > app.now):  # a person has said that it goes out later
        return
    issue = _decide_and_go_on(app, newsletter, issue, ran, on_progress)
    if made and issue.state is _S.SKIPPED and all(issue.id != handled.issue.id for handled in ran.handled):
        ran.handled.append(Handled(issue, issue.reason or ""))


def _decide_and_go_on(app: App, newsletter: NewsletterSettings, issue: Issue, ran: Ran, on_progress: OnProgress) -> Issue:
    """What becomes of an issue whose time has come: it goes out where it may."""
    wrong = obstacle(app)
    if wrong is not None and issue.state in {_S.DRAFT, _S.HELD}:
        # Not approved either: when a person says yes late, its articles go into the slot that is due then.
        ran.handled.append(Handled(issue, wrong, refused=True))
        return issue
    decided = issue.state in {_S.DRAFT, _S.HELD}
    if decided:
        issue = _decide(app, newsletter, issue, ran)
    if issue.state is _S.APPROVED and all(issue.id != handled.issue.id for handled in ran.handled):
        approved_now = decided and issue.approved_by in BY_ITSELF  # and not by a person meanwhile
        ran.handled.append(_go_on(app, issue, on_progress, approved_now=approved_now))
    return issue


def _before_their_slots(app: App, newsletter: NewsletterSettings) -> list[Issue]:
    """Issues that wait for an approval and whose time, as a person has said it, comes before their slot, or that have none."""
    with app.store.reading() as connection:
        issues = list_issues(connection, newsletter.slug)[::-1]
    waits = (one for one in issues if one.state in {_S.DRAFT, _S.HELD} and one.send_at is not None)
    return [one for one in waits if one.due_at <= app.now and (one.outside or one.slot_at > app.now)]


def _draft(app: App, newsletter: NewsletterSettings, frequency: Frequency, slot: Slot, ran: Ran) -> Issue | None:
    """Freeze the slot's issue; where it would be skipped while a source cannot be read, wait for that source instead."""
    _let_older_drafts_go(app, newsletter, frequency, slot)
    try:
        with app.store.writing() as connection:
            found = issue_of_slot(connection, newsletter.slug, frequency.value, slot.name)
            if found is not None:
                return found  # somebody drafted it meanwhile
            issue = issuing.freeze_in(app, connection, newsletter, frequency, slot, "run")
            if issue.state is _S.SKIPPED and ran.fetched.failed:
                raise _Wait(
                    f"{newsletter.slug}, slot {slot.name}: {issue.reason}, but a source could not be read; the next run tries again"
                )
            return issue
    except _Wait as wait:
        ran.waiting.append(str(wait))
        return None


def _may_be_mended(newsletter: NewsletterSettings, issue: Issue) -> bool:
    """Whether what holds an issue may have been mended at its source, and no person has the last word on it."""
    return not issue.rendered or (newsletter.approval == "automatic" and FAILED in (issue.reason or ""))


class _Wait(Exception):
    """Undoes a freeze that came too early."""


def _decide(app: App, newsletter: NewsletterSettings, issue: Issue, ran: Ran) -> Issue:
    """At its slot an issue is approved, or it is held with the reason."""
    reason = WAITS if issue.rendered else issue.reason or "its template is broken"
    try:
        if newsletter.approval == "automatic" and issue.rendered:
            return issuing.approve(app, issue, AUTOMATIC)
        decided = decide_without(app, newsletter, issue) if issue.rendered else None
        if decided is not None:
            if decided.state is _S.SKIPPED:
                ran.handled.append(Handled(decided, decided.reason or ""))
            return decided
        if issue.rendered:
            refuse_faulty(app, issue, "ready")
    except ChecksFailed as failed:
        reason = str(failed) if newsletter.approval == "automatic" else f"{reason}; {failed}"
    except Refused as refused:
        reason = str(refused)
    if issue.state is _S.DRAFT or issue.reason != reason:
        issue = hold(app, issue, reason)
    if issue.state is not _S.HELD:
        return issue
    waits = newsletter.approval == "required" and issue.rendered
    ran.handled.append(Handled(issue, reason, refused=not waits))
    return issue


def hold(app: App, issue: Issue, reason: str) -> Issue:
    """Hold an issue; where somebody took it elsewhere while it was looked at, it is left there."""
    try:
        return issuing.change(app, issue, _S.HELD, "run", reason)
    except Refused:
        return issuing.named(app, issue.name)


def _let_older_drafts_go(app: App, newsletter: NewsletterSettings, frequency: Frequency, slot: Slot) -> None:
    """A draft that nobody had to approve and whose slot has passed would be a second mail: its articles go into this one."""
    if newsletter.approval == "required" and newsletter.unapproved == "hold":
        return
    with app.store.reading() as connection:
        issues = list_issues(connection, newsletter.slug)
    for issue in issues:
        if issue.state in {_S.DRAFT, _S.HELD} and issue.frequency == frequency.value and issue.slot < slot.name:
            issuing.skip(app, issue, "run", f"its slot passed; its articles go into that of {slot.name}")


def audience_of(app: App, issue: Issue) -> int:
    """How many subscriptions an issue's plan would consider just now."""
    with app.store.reading() as connection:
        return count_audience(connection, issue)


def _why_nobody(app: App, issue: Issue) -> str:
    with app.store.reading() as connection:
        return why_nobody(connection, issue.newsletter, issue.frequency)
