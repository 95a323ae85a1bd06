"""Events: what providers report is stored once, and moves what is known of a delivery.

Events come late, twice, out of order, and before our own commit. So nothing is decided by one event as it arrives: all
that is stored of a delivery is folded, and what comes of it does not depend on their order. An event of a delivery that
is claimed or being sent is kept, and heeded when that ended in anything but `accepted`.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, String, or_, select, type_coerce

from digest.audience import leaving
from digest.audience.dialects import among, insert_all, insert_missing
from digest.catalogue.articles import articles_at
from digest.delivery import consequences
from digest.delivery.bounce_rules import USUAL, SoftRule
from digest.delivery.event import HARD, Event, Kind
from digest.delivery.heeding import heed
from digest.delivery.mailed.bounce_address import Token
from digest.delivery.sealing import delivery_id, unseal
from digest.delivery.transitions import DeliveryState
from digest.store import tables
from digest.store.tables import instant_text

_AT_ONCE = 500
_Told = tuple[int, Event]  # a subscriber, and what was told of their delivery
_event, _issue = tables.event.c, tables.issue.c


@dataclass(slots=True)
class Applied:
    """What came of some events. `strange` are of no delivery of ours, `elsewhere` of other issues than was asked for."""

    new: int = 0
    repeated: int = 0
    strange: int = 0
    elsewhere: int = 0
    suppressed: int = 0
    ended: int = 0
    moved: Counter[DeliveryState] = field(default_factory=Counter)
    changed: set[int] = field(default_factory=set)
    """Issues of which a delivery moved; they may have come to their end."""
    alarming: set[int] = field(default_factory=set)
    """Issues of which something was told that an alarm may ring for."""

    def add(self, other: Applied) -> None:
        """Count what came of some more events, too."""
        for name in ("new", "repeated", "strange", "elsewhere", "suppressed", "ended"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.moved += other.moved
        self.changed |= other.changed
        self.alarming |= other.alarming


def apply_events(
    connection: Connection,
    events: Iterable[Event],
    *,
    keys: Iterable[bytes],
    provider: str,
    now: datetime,
    only: int | None = None,
    rule: SoftRule = USUAL,
) -> Applied:
    """Store events once, and heed them. `only`: those of the issue with this row id. In whatever order, the end is the same.
    `keys`: by which ids are derived, the one of now first; what went out before a change of the secret is told of still.

    Hard bounces and complaints suppress the address for everything, and soft ones that last, as the `rule` says; who unsubscribed
    has left that newsletter.
    """
    applied = Applied()
    finder = _Finder(connection, keys)
    told: defaultdict[int, list[_Told]] = defaultdict(list)
    for event in events:
        found = finder.find(event)
        if found is None:
            applied.strange += 1
        elif only is not None and found[0] != only:
            applied.elsewhere += 1
        else:
            told[found[0]].append((found[1], event))
    for issue_id, every in sorted(told.items()):
        for start in range(0, len(every), _AT_ONCE):
            part = every[start : start + _AT_ONCE]
            _apply(connection, issue_id, finder.newsletters[issue_id], part, provider, now, applied, rule)
    return applied


def believed(connection: Connection, keys: Iterable[bytes], tokens: Iterable[Token]) -> tuple[Token, int] | None:
    """The first of some tokens that is one of ours, and its subscriber; what a seal says alone is any number."""
    finder = _Finder(connection, keys)
    for token in tokens:
        found = finder.find(token)
        if found is not None:
            return token, found[1]
    return None


class _Finder:
    """Finds the delivery of an event: the seal names the subscriber, and one issue derives that id for them, or none."""

    def __init__(self, connection: Connection, keys: Iterable[bytes]) -> None:
        columns = (_issue.id, _issue.newsletter, _issue.frequency, _issue.slot)
        found = connection.execute(select(*columns).order_by(_issue.id.desc())).all()
        self.newsletters: Mapping[int, str] = {row.id: row.newsletter for row in found}
        self._issues = [(row.id, row.newsletter, row.frequency, row.slot) for row in found]
        self._keys = tuple(keys)

    def find(self, event: Event | Token) -> tuple[int, int] | None:
        """The issue and the subscriber."""
        return next(filter(None, (self._find(event, key) for key in self._keys)), None)

    def _find(self, event: Event | Token, key: bytes) -> tuple[int, int] | None:
        subscriber = unseal(key, event.delivery_id, event.seal)
        if subscriber is None:
            return None
        for place, (issue_id, newsletter, frequency, slot) in enumerate(self._issues):
            if delivery_id(key, newsletter, frequency, slot, subscriber) == event.delivery_id:
                self._issues.insert(0, self._issues.pop(place))  # the next event is mostly of the same
                return issue_id, subscriber
        return None


def _apply(
    connection: Connection,
    issue_id: int,
    newsletter: str,
    told: Sequence[_Told],
    provider: str,
    now: datetime,
    applied: Applied,
    rule: SoftRule,
) -> None:
    whose = {subscriber for subscriber, _ in told}
    new = _store(connection, issue_id, told, provider, now)
    applied.new += len(new)
    applied.repeated += len(told) - len(new)
    heeded = heed(connection, issue_id, whose, actor=f"event of {provider}", now=now)
    applied.moved += heeded.moved
    if heeded.moved:
        applied.changed.add(issue_id)
    bad = any(event.kind is Kind.COMPLAINED or _bounced_hard(event) for _, event in new)
    applied.suppressed += consequences.draw(connection, issue_id, new, rule, source=provider, now=now)
    applied.ended += _end(connection, newsletter, new, now)
    if bad or heeded.outsiders or heeded.doubled:
        applied.alarming.add(issue_id)


def _store(connection: Connection, issue_id: int, told: Sequence[_Told], provider: str, now: datetime) -> list[_Told]:
    """Keep what is new, and return it. Duplicates are told by delivery, kind, time, the provider's message id, and of a click its link."""
    whose = {subscriber for subscriber, _ in told}
    at = type_coerce(_event.occurred_at, String)
    same = (_event.subscriber_id, _event.kind, at, _event.provider_message_id, _event.link)
    stored = select(*same).where(_event.issue_id == issue_id, among(connection, _event.subscriber_id, whose))
    known: set[Any] = {tuple(row) for row in connection.execute(stored).all()}
    new = []
    for subscriber, event in told:
        at_text = instant_text(event.occurred_at)
        identity = (subscriber, event.kind.value, at_text, event.provider_message_id, _short(event.link))
        if identity not in known:
            known.add(identity)
            new.append((subscriber, event))
    links = articles_at(connection, {event.link for _, event in new if event.link})
    received = instant_text(now)
    rows = [_as_row(issue_id, subscriber, event, provider, received, links) for subscriber, event in new]
    if rows:
        insert_all(connection, insert_missing(connection, tables.event), rows)
    return new


def _as_row(
    issue_id: int, subscriber: int, event: Event, provider: str, received_at: str, links: Mapping[str, int]
) -> dict[str, Any]:
    reason = None if event.reason is None else f"{event.reason}: {event.words}" if event.words else event.reason.value
    return {
        "issue_id": issue_id,
        "subscriber_id": subscriber,
        "attempt": event.attempt,
        "kind": event.kind.value,
        "occurred_at": instant_text(event.occurred_at),
        "provider": provider,
        "provider_message_id": event.provider_message_id,
        "reason": reason,
        "article_id": links.get(event.link),
        "received_at": received_at,
        "link": _short(event.link),
        "machine": event.machine,
        "report_id": event.report_id,
    }


def _short(link: str) -> str:
    """A link, told from others and not to be read: it may be somebody's own."""
    return hashlib.sha256(link.encode()).hexdigest()[:16] if link else ""


def _bounced_hard(event: Event) -> bool:
    return event.kind is Kind.BOUNCED and event.reason in HARD


def _end(connection: Connection, newsletter: str, new: Iterable[_Told], now: datetime) -> int:
    """End subscriptions of who unsubscribed, unless they have confirmed anew since then."""
    row = tables.subscription.c
    ended = 0
    for subscriber, event in new:
        if event.kind is Kind.UNSUBSCRIBED:
            still = or_(row.confirmed_at.is_(None), row.confirmed_at <= event.occurred_at)
            whose = select(row.id).where(row.subscriber_id == subscriber, row.newsletter == newsletter, still)
            ended += sum(leaving.end(connection, one, now=now) for one in connection.execute(whose).scalars().all())
    return ended
