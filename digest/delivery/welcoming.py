"""Welcoming: who was just confirmed gets the latest issue, as one gets it who follows the same and had missed nothing before it.

A welcome is no delivery of that issue, whose audience was frozen with its plan, but a letter; what keeps an article from coming twice
is the same. It leaves out what they were, or may yet be, sent by other newsletters. What it holds counts as had from the transaction
on that puts it into the queue, so no plan takes it up again. It is marked before it is handed over, and in doubt never sent again. When
it surely did not reach them, what it held is owed to the new subscription. Coverage points stay as they are: a new subscription begins
at the cutoff of the latest issue or behind it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, exists, select, update

from digest.audience.dialects import among
from digest.audience.had_already import had_already, missing, remember
from digest.audience.subscriber import Subscriber
from digest.audience.subscription import Subscription, SubscriptionState
from digest.delivery import had
from digest.delivery.composing import Composer, Group
from digest.delivery.shelf import Shelf
from digest.errors import Refused
from digest.issues.arranging import without
from digest.issues.frozen import Frozen
from digest.issues.issue import Issue, frozen_of, issue_by_id
from digest.issues.lifecycle import IssueState
from digest.issues.owed import format_owed, older, parse_owed
from digest.issues.withdrawn import withdrawn_from
from digest.languages.matching import language_for
from digest.rendering.content import Arrangement
from digest.rendering.rendition import Rendition
from digest.store import tables

_issue, _had = tables.issue.c, tables.had_already.c
_WENT_OUT = (IssueState.SENDING.value, IssueState.SENT.value)


@dataclass(frozen=True, slots=True)
class Welcome:
    """What a letter of this kind holds: which articles of which issue stand where, in which language."""

    issue: int
    language: str
    arrangement: Arrangement

    def to_json(self) -> dict[str, Any]:
        """Plain data for the store."""
        held = {"lead": self.arrangement.lead, "sections": self.arrangement.sections}
        return {"issue": self.issue, "language": self.language, "arrangement": held}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Welcome:
        """What `to_json` wrote."""
        held = data["arrangement"]
        sections = tuple((topic, tuple(articles)) for topic, articles in held["sections"])
        return cls(data["issue"], data["language"], Arrangement(held["lead"], sections))


def reserve(connection: Connection, person: Subscriber, subscription: Subscription, *, now: datetime) -> Welcome | None:
    """What a new subscription is welcomed with; from now on they have had it. None where there is nothing for them."""
    issue = _latest(connection, subscription)
    if issue is None:
        return None
    frozen = frozen_of(connection, issue)
    language = language_for(person.language, frozen.content.language, frozen.languages[1:])
    arrangement = _compose(connection, issue, frozen, subscription, language)
    if arrangement is None:
        return None
    pairs = missing(connection, [(article, person.id) for article in _told(arrangement, frozen)])
    remember(connection, pairs, actor=actor_of(issue), now=now)
    return Welcome(issue.id, language, arrangement)


def assemble(connection: Connection, welcome: Welcome) -> Rendition | None:
    """The mail, less what was withdrawn by now; None when nothing of it remains."""
    issue = issue_by_id(connection, welcome.issue)
    gone = withdrawn_among(connection, welcome.arrangement.articles)
    left = without(welcome.arrangement, gone, frozen_of(connection, issue))
    shelf = Shelf(connection, issue)
    if shelf.content_hash != issue.approved_hash:
        raise Refused(f"issue {issue.name}: what is stored is not what was approved; nobody is welcomed with it")
    return shelf.assemble(left, 0, welcome.language) if left.articles else None


def give_back(connection: Connection, welcome: Welcome, subscription_id: int) -> None:
    """It did not reach them: they have not had it, and are owed it."""
    row = tables.subscription.c
    found = connection.execute(
        select(row.subscriber_id, row.owed).where(row.id == subscription_id).with_for_update()
    ).one_or_none()
    if found is None:
        return
    issue = issue_by_id(connection, welcome.issue)
    mine = (_had.subscriber_id == found.subscriber_id, _had.actor == actor_of(issue))
    connection.execute(delete(tables.had_already).where(*mine))
    told = _told(welcome.arrangement, frozen_of(connection, issue))
    articles = told - withdrawn_among(connection, told)
    owed = format_owed(older({}, articles) | parse_owed(found.owed))
    connection.execute(update(tables.subscription).where(row.id == subscription_id).values(owed=owed))


def withdrawn_among(connection: Connection, articles: Collection[int]) -> frozenset[int]:
    """Those of some articles that were withdrawn by now."""
    row = tables.article.c
    gone = select(row.id).where(among(connection, row.id, articles), row.withdrawn_at.is_not(None))
    return frozenset(connection.execute(gone).scalars())


def is_wanted(subscription: Subscription) -> bool:
    """Whether it may still be sent."""
    return subscription.state is SubscriptionState.ACTIVE


def _latest(connection: Connection, subscription: Subscription) -> Issue | None:
    """The last issue of their frequency that has settled: what is still under way, the next one brings them."""
    settled = (
        select(_issue.id)
        .where(_issue.newsletter == subscription.newsletter, _issue.frequency == subscription.frequency)
        .where(_issue.state.in_(_WENT_OUT), _issue.settled_at.is_not(None), _issue.cutoff <= subscription.coverage)
        .order_by(_issue.number.desc())
        .limit(1)
    )
    found = connection.execute(settled).scalar_one_or_none()
    delivered = exists().where(tables.delivery.c.issue_id == found, tables.delivery.c.subscriber_id == subscription.subscriber_id)
    return None if found is None or connection.execute(select(delivered)).scalar_one() else issue_by_id(connection, found)


def _compose(
    connection: Connection, issue: Issue, frozen: Frozen, subscription: Subscription, language: str
) -> Arrangement | None:
    """What somebody gets who had been considered up to the issue before."""
    reader = subscription.subscriber_id
    sent, already = had.of_one(connection, issue, reader), had_already(connection, reader)
    point = max(_cutoff_before(connection, issue), frozen.floor)
    group = Group(subscription.topics, point, "", had.words(sent, already.reader), language)
    gone = frozenset(withdrawn_from(connection, issue.id)) | withdrawn_among(connection, [one.id for one in frozen.candidates])
    composer = Composer(issue, frozen, had.articles_of(connection, sent), gone, already.everybody)
    return composer.compose(group).arrangement


def _told(arrangement: Arrangement, frozen: Frozen) -> frozenset[int]:
    """What counts as had with it: its articles, and those of others that tell the same stories."""
    retold = frozen.retold()
    return frozenset(arrangement.articles).union(*(retold.get(one, ()) for one in arrangement.articles))


def _cutoff_before(connection: Connection, issue: Issue) -> int:
    before = (
        select(_issue.cutoff)
        .where(_issue.newsletter == issue.newsletter, _issue.frequency == issue.frequency)
        .where(_issue.settled_at.is_not(None), _issue.number < issue.number)
        .order_by(_issue.number.desc())
        .limit(1)
    )
    return connection.execute(before).scalar() or 0


def actor_of(issue: Issue) -> str:
    """By whose word they have had it."""
    return f"welcome {issue.name}"
