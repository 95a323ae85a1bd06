"""Whom an issue was, or would be, composed for: the reader that stands for one subscriber."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from digest.audience.finding import find_subscriber, subscriptions_of
from digest.audience.had_already import HadAlready, had_already
from digest.audience.subscriber import Subscriber
from digest.audience.subscription import Subscription, SubscriptionState
from digest.audience.suppression import is_suppressed
from digest.delivery import had
from digest.delivery.batches import sub_revision_of_batch
from digest.delivery.composing import Composer, Group
from digest.delivery.correcting import was_sent
from digest.delivery.transitions import DeliveryState
from digest.errors import UsageError
from digest.issues.frozen import Frozen
from digest.issues.issue import Issue, frozen_of
from digest.issues.selection import Reader
from digest.issues.withdrawn import withdrawn_from
from digest.languages.matching import language_for
from digest.rendering.content import Arrangement
from digest.store import tables


@dataclass(frozen=True, slots=True)
class Standing:
    """One subscriber and one issue: as the plan froze it, or, before the plan, as it would be just now.

    `state` is None before the plan; `unsendable` then says why nothing would be sent. `left_out` are the articles that were
    withdrawn before they could get them, each with the sub-revision from which on it is left out; `had_already` those that
    they had from elsewhere, as it was known then; `language` is the one of their mail.
    """

    subscriber: Subscriber
    subscription: Subscription
    frozen: Frozen
    reader: Reader
    arrangement: Arrangement | None
    rendition: int | None
    state: DeliveryState | None
    answer: str | None
    unsendable: str | None
    left_out: Mapping[int, int] = field(default_factory=dict)
    had_already: HadAlready = field(default_factory=HadAlready)
    language: str = ""


def standing(connection: Connection, issue: Issue, email: str) -> Standing:
    """How one person stands to an issue."""
    subscriber = find_subscriber(connection, email)
    if subscriber is None:
        raise UsageError(f"nobody is known by {email}; `digest subscribers list` shows who is")
    subscription = next((s for s in subscriptions_of(connection, subscriber.id) if s.newsletter == issue.newsletter), None)
    if subscription is None:
        raise UsageError(f"{email} has no subscription to {issue.newsletter}")
    frozen = frozen_of(connection, issue)
    group, rendition, state, answer = _planned(connection, issue, subscriber.id)
    withdrawn = withdrawn_from(connection, issue.id)
    already = _had_already(connection, issue, subscriber.id)
    if group is None:
        sent = had.words(had.of_one(connection, issue, subscriber.id), already.reader)
        language = language_for(subscriber.language, frozen.content.language, frozen.languages[1:])
        group = Group(subscription.topics, subscription.coverage, subscription.owed, sent, language)
    composer = Composer(issue, frozen, had.articles_of(connection, had.parse(group.had)), withdrawn, already.everybody)
    reader = composer.reader(composer.topics(group), group)
    unsendable = None if state is not None else _unsendable(connection, issue, subscription, subscriber)
    made = composer.compose_for(reader)
    arrangement = made.arrangement
    if issue.is_correction:  # the text alone
        arrangement = Arrangement(None, ()) if rendition is not None or unsendable is None else None
    went = _went_as(connection, issue, subscriber.id)
    left = {article: number for article, number in withdrawn.items() if went is None or number <= went}
    return Standing(
        subscriber,
        subscription,
        frozen,
        reader,
        arrangement,
        rendition,
        state,
        answer,
        unsendable,
        left,
        already,
        group.language,
    )


def _planned(
    connection: Connection, issue: Issue, subscriber_id: int
) -> tuple[Group | None, int | None, DeliveryState | None, str | None]:
    row, group = tables.delivery.c, tables.audience_group.c
    query = (
        select(group.topics, group.coverage, group.owed, group.had, group.language, row.rendition, row.state, row.answer)
        .join(tables.delivery, (row.issue_id == group.issue_id) & (row.group_number == group.number))
        .where(row.issue_id == issue.id, row.subscriber_id == subscriber_id)
    )
    found = connection.execute(query).one_or_none()
    if found is None:
        return None, None, None, None
    return Group(*found[:5]), found.rendition, DeliveryState(found.state), found.answer


def _had_already(connection: Connection, issue: Issue, subscriber_id: int) -> HadAlready:
    """What they had from elsewhere, as it was known to the plan; or, before it, as it is known now."""
    known, planned_at = had_already(connection, subscriber_id), issue.planned_at
    if planned_at is None:
        return known
    every, theirs = (
        {article: at for article, at in said.items() if at <= planned_at} for said in (known.everybody, known.reader)
    )
    return HadAlready(every, theirs)


def _went_as(connection: Connection, issue: Issue, subscriber_id: int) -> int | None:
    """Of which sub-revision the mail was that they were sent; None when they were sent none."""
    row = tables.delivery.c
    states = [state.value for state in (DeliveryState.SENDING, DeliveryState.ACCEPTED, DeliveryState.UNKNOWN)]
    query = select(row.batch_id).where(
        row.issue_id == issue.id, row.subscriber_id == subscriber_id, row.state.in_(states), row.batch_id.is_not(None)
    )
    batch = connection.execute(query).scalar_one_or_none()
    return None if batch is None else sub_revision_of_batch(connection, issue.id, batch)


def _unsendable(connection: Connection, issue: Issue, subscription: Subscription, subscriber: Subscriber) -> str | None:
    if subscription.state is not SubscriptionState.ACTIVE:
        until = f" until {subscription.paused_until:%Y-%m-%d %H:%M} UTC" if subscription.paused_until else ""
        return f"the subscription is {subscription.state}{until}"
    if issue.is_correction and not was_sent(connection, issue, subscriber.id):
        return "they were not sent the issue that it corrects"
    if not issue.outside and subscription.frequency != issue.frequency:
        return f"the subscription is {subscription.frequency} and the issue is {issue.frequency}"
    if is_suppressed(connection, subscriber.address, issue.newsletter):
        return "the address must not be mailed"
    if issue.audience is not None:
        return "the audience was frozen before they could be counted in"
    return None
