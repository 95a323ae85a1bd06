"""Enrolling: many wishes are joined to what the store knows, in a handful of statements.

The rows of everybody concerned are locked (on PostgreSQL; SQLite has one writer) before anything is decided, so
that somebody who unsubscribes in the same moment stays unsubscribed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from digest.audience.consent import Evidence, Past, Source, write_down_all
from digest.audience.coverage import coverage_points
from digest.audience.dialects import among, insert_all, insert_missing
from digest.audience.erased_suppression import recall
from digest.audience.joining import Outcome, Rules, join, wants_otherwise
from digest.audience.left_topics import left_by, take_up, without
from digest.audience.subscription import SubscriptionState, Terms
from digest.audience.suppression import suppressed_among
from digest.audience.themselves import UNHEARD, Themselves, themselves_of
from digest.audience.topics import ALL_TOPICS
from digest.audience.wish import Wish
from digest.settings import NewsletterSettings
from digest.store import tables
from digest.store.tables import instant_text

_Details = tuple[str | None, str | None, str | None]
_DETAILS = ("name", "language", "timezone")
_BY_THEMSELVES = frozenset({Source.PAGE, Source.API})
_TERMS = tuple(field.name for field in fields(Terms))


@dataclass(frozen=True, slots=True)
class Enrolment:
    """How each of many wishes came out, in their order, and whose addresses must not be mailed.

    `choices_kept` counts those for whom other topics or another frequency were wished than they have chosen here themselves.
    """

    outcomes: tuple[Outcome, ...]
    suppressed: frozenset[str]
    choices_kept: int


@dataclass(slots=True)
class _Standing:
    """One person as the store has them, and as they shall be."""

    subscriber_id: int
    stored_details: _Details
    details: _Details
    subscription_id: int | None = None
    stored_terms: Terms | None = None
    terms: Terms | None = None
    past: Past | None = None
    themselves: Themselves = UNHEARD
    choice_kept: bool = False

    def apply(self, wish: Wish, rules: Rules) -> Outcome:
        if wish.choices.topics == "":  # they have left every topic there is
            return Outcome.KEPT_AWAY
        terms = self.terms
        # An earlier row of the same transaction is no evidence yet.
        themselves = self.themselves
        if wish.left and self.past is not None:
            themselves = themselves.agreeing(self.past.confirmed_at)
        self.terms, outcome = join(terms, wish, rules, themselves)
        if self.terms is not terms:
            self.past = wish.past
        if wish.left or outcome is Outcome.KEPT_AWAY:
            return outcome
        if themselves.chose and terms is not None and wants_otherwise(terms, wish):
            self.choice_kept = True
        before = self.details
        self.details = (wish.name or before[0], wish.choices.language or before[1], wish.choices.timezone or before[2])
        return Outcome.UPDATED if outcome is Outcome.UNCHANGED and self.details != before else outcome


def enrol(
    connection: Connection,
    newsletter: NewsletterSettings,
    wishes: Sequence[Wish],
    *,
    may_return: bool,
    now: datetime,
    evidence: Evidence,
) -> Enrolment:
    """Join some thousand wishes, in their order; of two for one address the later one speaks last. Each change is evidence.

    What comes from a file overrules nothing that people agreed to or chose here themselves.
    """
    rules = Rules(
        default_frequency=newsletter.frequencies[0],
        points=coverage_points(connection, newsletter.slug, newsletter.frequencies),
        may_return=may_return,
        now=now,
    )
    standings = _standings(connection, newsletter.slug, wishes, now)
    if evidence.source in _BY_THEMSELVES:
        for wish in wishes:
            take_up(connection, {wish.address}, newsletter.slug, wish.choices.topics or ALL_TOPICS)
    else:
        wishes = _as_they_left(connection, newsletter, wishes, standings)
    if evidence.source is Source.IMPORT:
        _hear(connection, newsletter.slug, standings, wishes)
    outcomes = tuple(standings[wish.address].apply(wish, rules) for wish in wishes)
    _save_details(connection, standings.values())
    _save_terms(connection, newsletter.slug, standings.values(), now)
    changes = [
        (one.subscriber_id, one.stored_terms, one.terms, one.past)
        for one in standings.values()
        if one.terms is not None and one.terms != one.stored_terms
    ]
    write_down_all(connection, newsletter.slug, changes, evidence, now=now)
    suppressed = suppressed_among(connection, standings.keys(), newsletter.slug)
    return Enrolment(outcomes, suppressed, sum(one.choice_kept for one in standings.values()))


def _hear(connection: Connection, newsletter: str, standings: Mapping[str, _Standing], wishes: Sequence[Wish]) -> None:
    """Read what those said themselves whom a wish would change something for."""
    concerned = {}
    for wish in wishes:
        standing = standings[wish.address]
        terms = standing.stored_terms
        if terms is None or terms.state is SubscriptionState.UNSUBSCRIBED:
            continue
        if wish.left or wants_otherwise(terms, wish):
            concerned[standing.subscriber_id] = standing
    if concerned:
        for number, themselves in themselves_of(connection, newsletter, concerned.keys()).items():
            concerned[number].themselves = themselves


def _standings(connection: Connection, newsletter: str, wishes: Sequence[Wish], now: datetime) -> dict[str, _Standing]:
    firsts = {wish.address: wish for wish in reversed(wishes)}
    standings = _known(connection, sorted(firsts))
    missing = sorted(firsts.keys() - standings.keys())
    if missing:
        now_text = instant_text(now)
        new = [_subscriber_row(firsts[address], now_text) for address in missing]
        insert_all(connection, insert_missing(connection, tables.subscriber), new)
        recall(connection, missing)
        standings |= _known(connection, missing)
    _add_terms(connection, newsletter, standings)
    return standings


def _as_they_left(
    connection: Connection, newsletter: NewsletterSettings, wishes: Sequence[Wish], standings: Mapping[str, _Standing]
) -> Sequence[Wish]:
    """Wishes of others for people, without the topics that these have left themselves; where nothing else is wished for, with none
    (one who is new gets the other topics)."""
    left = left_by(connection, standings.keys(), newsletter.slug)
    if not left:
        return wishes
    made = []
    for wish in wishes:
        asked = wish.choices.topics
        if wish.address in left and not wish.left and (asked is not None or standings[wish.address].terms is None):
            rest = without(asked or ALL_TOPICS, left[wish.address], newsletter.offered) or None
            if rest is None and standings[wish.address].terms is None:
                rest = without(ALL_TOPICS, left[wish.address], newsletter.offered)  # none at all: see `apply`
            wish = replace(wish, choices=replace(wish.choices, topics=rest))
        made.append(wish)
    return made


def _subscriber_row(wish: Wish, now: str) -> dict[str, Any]:
    return {
        "email": wish.email,
        "address": wish.address,
        "name": wish.name,
        "language": wish.choices.language,
        "timezone": wish.choices.timezone,
        "created_at": now,
    }


def _known(connection: Connection, addresses: Sequence[str]) -> dict[str, _Standing]:
    subscriber = tables.subscriber.c
    query = (
        select(subscriber.address, subscriber.id, *(subscriber[name] for name in _DETAILS))
        .where(among(connection, subscriber.address, addresses))
        .order_by(subscriber.address)
        .with_for_update()
    )
    standings = {}
    for address, number, name, language, timezone in connection.execute(query):
        details = (name, language, timezone)
        standings[address] = _Standing(number, details, details)
    return standings


def _add_terms(connection: Connection, newsletter: str, standings: Mapping[str, _Standing]) -> None:
    of = {standing.subscriber_id: standing for standing in standings.values()}
    subscription = tables.subscription.c
    query = (
        select(subscription.id, subscription.subscriber_id, *(subscription[name] for name in _TERMS))
        .where(among(connection, subscription.subscriber_id, of.keys()), subscription.newsletter == newsletter)
        .order_by(subscription.id)
        .with_for_update()
    )
    for number, subscriber_id, topics, frequency, state, *rest in connection.execute(query):
        standing = of[subscriber_id]
        standing.subscription_id = number
        standing.stored_terms = standing.terms = Terms(topics, frequency, SubscriptionState(state), *rest)


def _save_details(connection: Connection, standings: Iterable[_Standing]) -> None:
    changed = [
        {"row": one.subscriber_id, **dict(zip(_DETAILS, one.details, strict=True))}
        for one in standings
        if one.details != one.stored_details
    ]
    if changed:
        subscriber = tables.subscriber
        connection.execute(update(subscriber).where(subscriber.c.id == bindparam("row")), changed)


def _save_terms(connection: Connection, newsletter: str, standings: Iterable[_Standing], now: datetime) -> None:
    added, now_text = [], instant_text(now)
    changed: dict[bool, list[dict[str, Any]]] = {False: [], True: []}  # by whether it ended
    for one in standings:
        if one.terms is None or one.terms == one.stored_terms:
            continue
        if one.subscription_id is None:
            added.append(_subscription_row(one.subscriber_id, newsletter, one.terms, now_text))
        else:
            ended = one.terms.state is SubscriptionState.UNSUBSCRIBED
            changed[ended].append({"row": one.subscription_id} | {name: getattr(one.terms, name) for name in _TERMS})
    subscription = tables.subscription
    if added:
        insert_all(connection, insert(subscription), added)
    mine = update(subscription).where(subscription.c.id == bindparam("row"))
    if changed[False]:
        connection.execute(mine, changed[False])
    if changed[True]:
        connection.execute(mine.values(paused_until=None), changed[True])


def _subscription_row(subscriber_id: int, newsletter: str, terms: Terms, now: str) -> dict[str, Any]:
    return {
        "subscriber_id": subscriber_id,
        "newsletter": newsletter,
        "topics": terms.topics,
        "frequency": terms.frequency,
        "state": terms.state.value,
        "coverage": terms.coverage,
        "created_at": now,
        "confirmed_at": now if terms.confirmed_at else None,
        "ended_at": None if terms.ended_at is None else instant_text(terms.ended_at),
    }
