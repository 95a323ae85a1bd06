"""Sending one issue: take over what died, plan, dispatch, conclude. Safe to repeat and to overlap."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, update

from digest.audience.pausing import why_nobody
from digest.delivery import canary, jobs, waves
from digest.delivery.account import account, unsent
from digest.delivery.allowance import Allowance, Canary, Plan, Quota
from digest.delivery.ending import OUT_OF_REACH, PAUSING, PROVIDER_FAILED, Ending
from digest.delivery.engines.crew import Crew
from digest.delivery.engines.feed import Feed
from digest.delivery.engines.local import WORTH_A_CARRIER, LocalEngine, claim_size
from digest.delivery.envelopes import EnvelopeMaker
from digest.delivery.guarding import check_audience
from digest.delivery.halting import in_force
from digest.delivery.heeding import heed_waiting
from digest.delivery.ledger import Ledger
from digest.delivery.memory import give_back_memory
from digest.delivery.plan import count_audience, plan
from digest.delivery.progress import OnProgress, Teller
from digest.delivery.providers.port import Provider, key_life, seals
from digest.delivery.resolving import doubt_again, resolve_unknown
from digest.delivery.settling import conclude
from digest.delivery.sharing import SharedCanary, SharedPace, held, hold
from digest.delivery.shelf import Shelf
from digest.delivery.timing import Timing
from digest.delivery.upkeep import expire, replan, sweep
from digest.errors import Refused
from digest.issues.issue import Issue, frozen_of, issue_by_id
from digest.issues.lifecycle import WHY_NOT, IssueState, step
from digest.issues.withdrawn import LeftOut, left_out
from digest.rendering.degrading import Degraded
from digest.settings import Delivery
from digest.store import tables
from digest.store.database import Store
from digest.traces import span

_HELD_BACK = timedelta(minutes=1)  # then workers try again whether the provider, or its quota, takes more


@dataclass(frozen=True, slots=True)
class Sent:
    """What a send came to. `account` names every state and sums to `audience`; `ending` is None when nothing was to do.

    `touched` counts what this send attempted, and what it found that another process had left unknown. `left_out` is the
    note to the editor: what was withdrawn from the issue. `alarms` are those that ring for the issue now. `doubt` is the most that
    a crash would have left unknown. `degraded` are the renditions of this send that were too large for mail programs. `coming` are those
    whose hour has not come where they live.
    """

    issue: Issue
    audience: int
    account: Mapping[str, int]
    ending: Ending | None
    reason: str
    touched: int
    left_out: tuple[LeftOut, ...] = ()
    alarms: tuple[str, ...] = ()
    doubt: int = 0
    degraded: tuple[Degraded, ...] = ()
    coming: waves.Coming | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends issues through the first of `providers`, and what that surely did not take through the next.

    `owner` names this process; with `workers` it shares the work with others, as jobs, and has itself only what its `feed` brings.
    From `stop` on nothing new is begun; without `ends` the process ends with it, with one it may live on.
    `now` is the clock of decisions; `quotas` are by the providers' names. `unsubscribe_by_mail` is where mails are read that unsubscribe.
    """

    store: Store
    providers: tuple[Provider, ...]
    settings: Delivery
    key: bytes
    public_url: str
    owner: str
    now: datetime
    stop: threading.Event
    on_progress: OnProgress = lambda _: None
    quotas: Mapping[str, Plan] = field(default_factory=dict)
    unsubscribe_by_mail: str | None = None
    timing: Timing = field(default_factory=Timing)
    workers: bool = False
    feed: Feed | None = None
    ends: threading.Event | None = None

    def send(self, issue: Issue, *, others_are_dead: bool) -> Sent:
        """Bring an approved or half-sent issue as far as it goes just now."""
        if issue.state is IssueState.PAUSED:
            raise Refused(f"issue {issue.name} is paused ({issue.reason}); `digest issues resume {issue.name}` lets it go on")
        if issue.state not in {IssueState.APPROVED, IssueState.SENDING, IssueState.SENT}:
            raise Refused(f"issue {issue.name} cannot be sent: {WHY_NOT[issue.state]}")
        ledger = Ledger(issue.id, issue.newsletter, self.providers[0].name, self.owner)
        issue, found = self._prepare(issue, ledger, others_are_dead=others_are_dead)
        degraded: tuple[Degraded, ...] = ()
        ending, reason, tried, doubt = None, "", 0, 0
        if issue.state is IssueState.SENDING and self._any_open(issue):
            teller = self._teller(issue)
            (ending, reason), tried, doubt = self._send_planned(issue, teller), teller.tried, teller.doubt
            degraded = tuple(teller.degraded.values())
        with self.store.writing() as connection:
            issue, counted = self._end(connection, issue, ending, reason)
            withdrawn = left_out(connection, issue)
            coming = waves.coming(connection, issue, self.now) if issue.state is IssueState.SENDING else None
        return Sent(
            issue,
            issue.audience or 0,
            counted,
            ending,
            reason,
            tried + found,
            withdrawn,
            doubt=doubt,
            degraded=degraded,
            coming=coming,
        )

    def _closed_from(self, issue: Issue) -> int | None:
        with self.store.reading() as connection:
            return self.timing.closed_from(connection, issue, self.now)

    def _any_open(self, issue: Issue) -> bool:
        """Whether anybody waits whose time has come; where there are no waves, there may always be."""
        closed_from = self._closed_from(issue)
        if closed_from is None:
            return True
        with self.store.reading() as connection:
            return unsent(connection, issue.id, below=closed_from) > 0

    def work(self, issue: Issue) -> tuple[Ending, str]:
        """As a worker: send of an issue what the feed has jobs for. Whoever looks after it sees to the rest (`tend`)."""
        ledger = Ledger(issue.id, issue.newsletter, self.providers[0].name, self.owner)
        issue, _ = self._prepare(issue, ledger, others_are_dead=False)
        if issue.state is not IssueState.SENDING:
            return Ending.STOPPED, WHY_NOT.get(issue.state, issue.state.value)
        ending, reason = self._send_planned(issue, Teller(issue.name, 0, 0, self.on_progress))
        if ending in PAUSING:
            with self.store.writing() as connection:
                self._end(connection, issue, ending, reason)
        elif ending is Ending.HELD_BACK:
            with self.store.writing(together=True) as connection:
                hold(connection, self.providers[0].name, datetime.now(UTC) + _HELD_BACK)
        return ending, reason

    def tend(self, issue: Issue, *, thoroughly: bool) -> Issue:
        """Look after an issue that workers send: take over what died, plan what is due, make jobs that are missing, conclude.

        Whoever does it, and however often; where there is nothing to do nobody is kept from writing. `thoroughly` looks at
        what depends on time alone, too.
        """
        with self.store.reading() as connection:
            over = not jobs.any_open(connection, issue.id)
            below = self.timing.closed_from(connection, issue, self.now)
            wanted = thoroughly or (
                not over and jobs.anything_to_do(connection, issue.id, self.owner, datetime.now(UTC), below=below)
            )
        if wanted:
            issue, _ = self._prepare(issue, Ledger(issue.id, issue.newsletter, "", self.owner), others_are_dead=False)
        if over and (thoroughly or issue.settled_at is None):
            with self.store.writing() as connection:
                issue, _ = self._end(connection, issue, None, "")
                jobs.drop(connection, issue.id)
        return issue

    def _prepare(self, issue: Issue, ledger: Ledger, *, others_are_dead: bool) -> tuple[Issue, int]:
        planned = issue.state is IssueState.APPROVED
        issue, unknown = self._prepared(issue, ledger, others_are_dead=others_are_dead)
        if planned and not self.workers and (issue.audience or 0) >= WORTH_A_CARRIER:
            give_back_memory()  # before there is a second process beside this one
        return issue, unknown

    def _prepared(self, issue: Issue, ledger: Ledger, *, others_are_dead: bool) -> tuple[Issue, int]:
        clock = datetime.now(UTC)
        with self.store.writing() as connection:
            issue = issue_by_id(connection, issue.id)
            halted = in_force(connection)
            if halted is not None and issue.state is not IssueState.SENT:
                raise Refused(halted.advice)
            if issue.state is IssueState.APPROVED:
                if issue.approved_hash != issue.content_hash:
                    raise Refused(f"issue {issue.name} was changed after its approval; approve it again")
                issue = self._plan(connection, issue, clock)
                self._make_jobs(connection, issue, clock)
                return issue, 0
            if issue.state is not IssueState.SENDING:
                if issue.state is not IssueState.SENT:  # it was edited, say, while somebody looked at it
                    raise Refused(f"issue {issue.name} cannot be sent: meanwhile {WHY_NOT[issue.state]}")
                return issue, 0
            ended = jobs.ended(connection, issue.id, self.owner)
            alone = others_are_dead and not self.workers and not jobs.any_at_work(connection, issue.id)
            swept = sweep(connection, ledger, now=clock, others_are_dead=alone, ended=ended)
            resolve_unknown(connection, ledger, self.settings, key_life(self.providers[0]), now=clock)
            begun = waves.last_opening(connection, issue) or issue.planned_at
            if begun is not None and self.now - begun > self.settings.expires_after:
                expire(connection, ledger, now=clock, reason="it waited longer than delivery.expires_after")
            replan(connection, ledger, now=clock)
            self.timing.look_again(connection, issue, now=self.now, real=clock, actor=self.owner)
            self._make_jobs(connection, issue, clock)
        return issue, swept.unknown

    def _plan(self, connection: Connection, issue: Issue, clock: datetime) -> Issue:
        check_audience(connection, issue, count_audience(connection, issue), self.settings)
        frozen = frozen_of(connection, issue)
        found = self.timing.planned_by(connection, issue, frozen)
        with span("plan", issue=issue.name) as seen:
            planned = plan(connection, issue, frozen, now=self.now, waves=found)
            seen.tell(deliveries=planned)
        if planned == 0:
            why = why_nobody(connection, issue.newsletter, issue.frequency)
            raise Refused(f"issue {issue.name} has no audience: {why}")
        self.timing.look_again(connection, issue, now=self.now, real=clock, actor=self.owner)
        return issue_by_id(connection, issue.id)

    def _make_jobs(self, connection: Connection, issue: Issue, clock: datetime) -> None:
        """With workers: jobs for what is planned and may leave by now, where there are none; those of dead workers wait again."""
        if not self.workers or self.feed is not None or (issue.canary_until is not None and issue.canary_until > clock):
            return
        if held(connection, self.providers[0].name, clock):  # what it wants to wait for, no other provider carries either
            return
        jobs.requeue(connection)
        claims = (claim_size(self.settings, self._unit(issue, one), issue.audience or 0) for one in self.providers)
        jobs.top_up(connection, issue.id, min(claims), below=self.timing.closed_from(connection, issue, self.now))

    def _teller(self, issue: Issue) -> Teller:
        with self.store.reading() as connection:
            waiting = unsent(connection, issue.id, below=self._closed_from(issue))
        largest = max(self._unit(issue, provider) for provider in self.providers)
        return Teller(issue.name, waiting, largest * self.settings.concurrency, self.on_progress)

    def _send_planned(self, issue: Issue, teller: Teller) -> tuple[Ending, str]:
        """The canary first, where there is one, and after it has been looked at the rest."""
        if self.workers and self.feed is None:
            return self._await_workers(issue, teller)
        left = self._canary_left(issue)
        if left is not None:
            while left:
                few = SharedCanary(issue.id, left) if self.workers else Canary(left)
                ending, reason = self._dispatch(issue, teller, few)
                before, left = left, self._canary_left(issue)  # what was not handed over after all is still of the canary
                if ending is not Ending.CANARY or (self.workers and left == before):
                    return ending, reason
            verdict = self._await_canary(issue)
            if verdict is not None:
                return verdict
        return self._dispatch(issue, teller)

    def _await_workers(self, issue: Issue, teller: Teller) -> tuple[Ending, str]:
        """Others send: look after the issue until nothing of it is left to send soon."""
        crew = Crew(
            self.store,
            issue.id,
            self.settings.patience,
            lambda thoroughly: self._tend_again(issue, thoroughly=thoroughly),
            self._closed_from(issue),
        )
        result = crew.run(self.stop, teller.hear)
        teller.keep(result.outcomes)
        return result.ending, result.reason

    def _tend_again(self, issue: Issue, *, thoroughly: bool) -> None:
        with suppress(Refused):  # all sending is halted meanwhile
            self.tend(issue, thoroughly=thoroughly)

    def _canary_left(self, issue: Issue) -> int | None:
        """How many of the canary have not been tried; None when the rest may go."""
        wanted = canary.size(self.settings, issue.audience or 0)
        if not wanted:
            return None
        with self.store.reading() as connection:
            tried = canary.tried(connection, issue).many
            if tried > wanted or canary.is_overruled(connection, issue):
                return None
            return 0 if issue_by_id(connection, issue.id).canary_until is not None else wanted - tried

    def _await_canary(self, issue: Issue) -> tuple[Ending, str] | None:
        """Wait for what becomes of the canary; why the rest does not follow now, or None."""
        clock = datetime.now(UTC)
        until = issue.canary_until or self._begin_canary_wait(issue, clock + self.settings.canary_wait)
        left = until - clock
        if left > self.settings.patience or self.stop.wait(max(0.0, left.total_seconds())):
            return Ending.CANARY, f"the canary went out; the rest follows after {until:%Y-%m-%d %H:%M} UTC"
        with self.store.reading() as connection:
            verdict = canary.tried(connection, issue).verdict(self.settings.canary_bound)
        return None if verdict is None else (Ending.PAUSED, verdict)

    def _begin_canary_wait(self, issue: Issue, until: datetime) -> datetime:
        """Until when the canary is waited for: as whoever comes first of several says."""
        with self.store.writing() as connection:
            first = update(tables.issue).where(tables.issue.c.id == issue.id, tables.issue.c.canary_until.is_(None))
            connection.execute(first.values(canary_until=until))
            return issue_by_id(connection, issue.id).canary_until or until

    def _dispatch(self, issue: Issue, teller: Teller, *allowances: Allowance) -> tuple[Ending, str]:
        """Send what is planned, provider by provider, until one of them is not at fault for how it ended."""
        with self.store.reading() as connection:
            shelf = Shelf(connection, issue)
        if shelf.content_hash != issue.approved_hash:
            raise Refused(f"issue {issue.name}: what is stored is not what was approved; nothing of it is sent")
        said: list[str] = []
        for provider in self.providers:
            if said:
                self._take_over(issue, provider)
            result = self._engine(issue, provider, shelf, allowances).run(self.stop, teller.hear, ends=self.ends)
            teller.keep(result.outcomes)
            teller.degraded |= shelf.degraded
            said.append(f"{provider.name}: {result.reason}" if result.reason and len(self.providers) > 1 else result.reason)
            if result.ending not in PROVIDER_FAILED:
                break
        if len(said) > 1 and result.ending is Ending.EMPTY:
            said[-1] = f"the rest went through {provider.name}"
        return result.ending, "; ".join(filter(None, said))

    def _take_over(self, issue: Issue, provider: Provider) -> None:
        """What was to go again by the key of the provider before is unknown again: to this one the key says nothing."""
        ledger = Ledger(issue.id, issue.newsletter, provider.name, self.owner)
        with self.store.writing() as connection:
            doubt_again(connection, ledger, key_life(provider), now=datetime.now(UTC))

    def _engine(self, issue: Issue, provider: Provider, shelf: Shelf, allowances: Sequence[Allowance]) -> LocalEngine:
        ledger = Ledger(issue.id, issue.newsletter, provider.name, self.owner, self._closed_from(issue))
        envelopes = EnvelopeMaker(self.key, self.public_url, issue, self.unsubscribe_by_mail, seals=seals(provider))
        unit = self._unit(issue, provider)
        quota = self.quotas.get(provider.name)
        bounds = (*allowances, Quota(provider.name, quota)) if quota else allowances
        engine = LocalEngine(self.store, ledger, provider, shelf, envelopes, self.settings, unit, bounds, issue.audience or 0)
        return self._with_others(engine, provider) if self.workers else engine

    def _with_others(self, engine: LocalEngine, provider: Provider) -> LocalEngine:
        with self.store.reading() as connection:
            share = max(1, jobs.workers(connection))
        return replace(engine, feed=self.feed, shared=SharedPace(provider.name, self.settings.rate), share=share)

    def _unit(self, issue: Issue, provider: Provider) -> int:
        return request_size(provider.batch_limit, self.settings.batch, issue.audience or 0)

    def _end(self, connection: Connection, issue: Issue, ending: Ending | None, reason: str) -> tuple[Issue, Mapping[str, int]]:
        issue = issue_by_id(connection, issue.id)
        heed_waiting(connection, issue.id, actor=self.owner, now=datetime.now(UTC))
        if ending in PAUSING and issue.state is IssueState.SENDING:
            reason = OUT_OF_REACH + reason if ending is Ending.OUT_OF_REACH else reason
            step(connection, issue.id, issue.name, issue.state, IssueState.PAUSED, actor="dispatch", now=self.now, reason=reason)
            return issue_by_id(connection, issue.id), account(connection, issue)
        counted = account(connection, issue)
        cancelled = issue.state is IssueState.CANCELLED  # then what waits is cancelled as well
        issue = conclude(connection, issue, now=self.now, counted=counted)
        return issue, account(connection, issue) if cancelled else counted


def request_size(limit: int, setting: int | None, audience: int) -> int:
    """Recipients of one request: the provider's limit or a hundredth of the audience, at least 1, or what is set."""
    return min(limit, setting) if setting is not None else max(1, min(limit, audience // 100))
