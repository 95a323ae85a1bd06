"""Sending one issue: take over what died, plan, dispatch in rounds, conclude. Safe to repeat and to overlap."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from digest.delivery.account import account, next_retry
from digest.delivery.dispatch import Ending
from digest.delivery.engines.local import LocalEngine, Progress
from digest.delivery.envelopes import EnvelopeMaker
from digest.delivery.halting import in_force
from digest.delivery.heeding import heed_waiting
from digest.delivery.ledger import Ledger
from digest.delivery.plan import plan
from digest.delivery.providers.port import Provider, key_life
from digest.delivery.resolving import resolve_unknown
from digest.delivery.settling import conclude
from digest.delivery.shelf import Shelf
from digest.delivery.upkeep import expire, replan, sweep
from digest.errors import Refused
from digest.issues.issue import Issue, frozen_of, issue_by_id
from digest.issues.lifecycle import WHY_NOT, IssueState, step
from digest.settings import Delivery
from digest.store.database import Store

OUT_OF_REACH = "the provider is out of reach: "


@dataclass(frozen=True, slots=True)
class Sent:
    """What a send came to. `account` names every state and sums to `audience`; `ending` is None when nothing was to do.

    `touched` counts what this send attempted, and what it found that another process had left unknown. `alarms` are those that
    ring for the issue now.
    """

    issue: Issue
    audience: int
    account: Mapping[str, int]
    ending: Ending | None
    reason: str
    touched: int
    alarms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends issues through one provider. `owner` names this process; `now` is the clock of decisions."""

    store: Store
    provider: Provider
    settings: Delivery
    key: bytes
    public_url: str
    owner: str
    now: datetime
    stop: threading.Event
    on_progress: Progress = lambda _: None

    def send(self, issue: Issue, *, others_are_dead: bool) -> Sent:
        """Bring an approved or half-sent issue as far as it goes just now."""
        if issue.state is IssueState.PAUSED:
            raise Refused(f"issue {issue.name} is paused ({issue.reason}); `digest issues resume {issue.name}` lets it go on")
        if issue.state not in {IssueState.APPROVED, IssueState.SENDING, IssueState.SENT}:
            raise Refused(f"issue {issue.name} cannot be sent: {WHY_NOT[issue.state]}")
        ledger = Ledger(issue.id, issue.newsletter, self.provider.name, self.owner)
        issue, found = self._prepare(issue, ledger, others_are_dead=others_are_dead)
        ending, reason, tried = self._rounds(issue, ledger) if issue.state is IssueState.SENDING else (None, "", 0)
        with self.store.writing() as connection:
            issue = self._end(connection, issue, ending, reason)
            counted = account(connection, issue)
        return Sent(issue, issue.audience or 0, counted, ending, reason, tried + found)

    def _prepare(self, issue: Issue, ledger: Ledger, *, others_are_dead: bool) -> tuple[Issue, int]:
        clock = datetime.now(UTC)
        with self.store.writing() as connection:
            issue = issue_by_id(connection, issue.id)
            halted = in_force(connection)
            if halted is not None and issue.state is not IssueState.SENT:
                raise Refused(halted.advice)
            if issue.state is IssueState.APPROVED:
                if issue.approved_hash != issue.content_hash:
                    raise Refused(f"issue {issue.name} was changed after its approval; approve it again")
                if plan(connection, issue, frozen_of(connection, issue), now=self.now) == 0:
                    raise Refused(
                        f"issue {issue.name} has no audience: nobody is subscribed {issue.frequency} to {issue.newsletter}"
                    )
                return issue_by_id(connection, issue.id), 0
            if issue.state is not IssueState.SENDING:
                return issue, 0
            swept = sweep(connection, ledger, now=clock, others_are_dead=others_are_dead)
            resolve_unknown(connection, ledger, self.settings, key_life(self.provider), now=clock)
            if issue.planned_at is not None and self.now - issue.planned_at > self.settings.expires_after:
                expire(connection, ledger, now=clock, reason="it waited longer than delivery.expires_after")
            replan(connection, ledger, now=clock)
        return issue, swept.unknown

    def _rounds(self, issue: Issue, ledger: Ledger) -> tuple[Ending, str, int]:
        """Dispatch until nothing is planned and no deferred delivery comes due within the settings' patience."""
        with self.store.reading() as connection:
            shelf = Shelf(connection, issue)
        if shelf.content_hash != issue.approved_hash:
            raise Refused(f"issue {issue.name}: what is stored is not what was approved; nothing of it is sent")
        engine = self._engine(issue, ledger, shelf)
        until = datetime.now(UTC) + self.settings.patience
        tried = 0
        while True:
            result = engine.run(self.stop, self.on_progress)
            tried += sum(result.outcomes.values())
            if result.ending is not Ending.EMPTY or not self._wait_for_deferred(ledger, until):
                return result.ending, result.reason, tried

    def _engine(self, issue: Issue, ledger: Ledger, shelf: Shelf) -> LocalEngine:
        envelopes = EnvelopeMaker(self.key, self.public_url, issue)
        unit = request_size(self.provider.batch_limit, self.settings.batch, issue.audience or 0)
        return LocalEngine(self.store, ledger, self.provider, shelf, envelopes, self.settings, unit)

    def _wait_for_deferred(self, ledger: Ledger, until: datetime) -> bool:
        """Sleep until a deferred delivery may be tried again, and plan it; False when that is too far away."""
        with self.store.reading() as connection:
            retry = next_retry(connection, ledger.issue_id)
        if retry is None or retry > until:
            return False
        if self.stop.wait(max(0.0, (retry - datetime.now(UTC)).total_seconds())):
            return False
        with self.store.writing() as connection:
            clock = datetime.now(UTC)
            heed_waiting(connection, ledger.issue_id, actor=self.owner, now=clock)
            return replan(connection, ledger, now=clock) > 0

    def _end(self, connection: Connection, issue: Issue, ending: Ending | None, reason: str) -> Issue:
        issue = issue_by_id(connection, issue.id)
        heed_waiting(connection, issue.id, actor=self.owner, now=datetime.now(UTC))
        if ending in {Ending.PAUSED, Ending.OUT_OF_REACH} and issue.state is IssueState.SENDING:
            reason = OUT_OF_REACH + reason if ending is Ending.OUT_OF_REACH else reason
            step(connection, issue.id, issue.name, issue.state, IssueState.PAUSED, actor="dispatch", now=self.now, reason=reason)
            return issue_by_id(connection, issue.id)
        return conclude(connection, issue, now=self.now)


def request_size(limit: int, setting: int | None, audience: int) -> int:
    """Recipients of one request: the provider's limit or a hundredth of the audience, at least 1, or what is set."""
    return min(limit, setting) if setting is not None else max(1, min(limit, audience // 100))
