"""Knowing: everything that is known of a person, from every table that names them or counts by them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, select

from digest.app.wiring import App
from digest.audience.consent import evidence_of
from digest.audience.finding import find_subscriber, subscriptions_of
from digest.audience.own_letters import letters_of
from digest.audience.subscriber import Subscriber
from digest.errors import UsageError
from digest.insights.statistics import deliveries_of
from digest.store import tables

TOLD = frozenset(
    {
        "subscriber",
        "subscription",
        "consent",
        "suppression",
        "asking",
        "address_change",
        "letter",
        "had_already",
        "delivery",
        "history",
        "event",
        "lifted_suppression",
        "owed_anew",
        "returned_mail",
    }
)
"""The tables that are read for it: each one that knows people (a test compares)."""


def known_of(connection: Connection, person: Subscriber) -> dict[str, Any]:
    """As plain data: what they said of themselves, agreed to and took back, every mail and what became of it, and what keeps
    them from being mailed."""
    return {
        "email": person.email,
        "name": person.name,
        "language": person.language,
        "timezone": person.timezone,
        "known_since": person.created_at,
        "subscriptions": [_subscription(one) for one in subscriptions_of(connection, person.id)],
        "consent": [_fields(one) for one in evidence_of(connection, person.id)],
        "questions": _questions(connection, person.id),
        "suppressions": _rows(
            connection,
            tables.suppression,
            ("scope", "reason", "source", "created_at"),
            tables.suppression.c.address == person.address,
        ),
        "lifted_suppressions": _rows(
            connection,
            tables.lifted_suppression,
            ("scope", "reason", "source", "created_at", "why", "actor", "at"),
            tables.lifted_suppression.c.subscriber_id == person.id,
        ),
        "sign_ups": _rows(
            connection,
            tables.asking,
            ("email", "newsletter", "topics", "frequency", "timezone", "language", "source", "origin", "at", "confirmed_at"),
            tables.asking.c.address == person.address,
        ),
        "changes_of_address": _rows(
            connection,
            tables.address_change,
            ("email", "at", "old_agreed_at", "new_agreed_at", "done_at"),
            tables.address_change.c.subscriber_id == person.id,
        ),
        "letters": _rows(
            connection, tables.letter, ("kind", "email", "language", "created_at", "state", "answer"), letters_of(person.id)
        ),
        "mails": deliveries_of(connection, person.id),
        "steps_of_mails": _steps(connection, person.id),
        "reported_of_mails": _reported(connection, person.id),
        "had_already": _had_already(connection, person.id),
        "owed_anew": _owed_anew(connection, person.id),
        "mails_that_came_back": _rows(
            connection,
            tables.returned_mail,
            ("received_at", "source", "sort", "outcome", "about"),
            tables.returned_mail.c.subscriber_id == person.id,
        ),
    }


def story(app: App, email: str) -> dict[str, Any]:
    """The same of whoever has an address, with every delivery. `UsageError` where nobody is known by it."""
    with app.store.reading() as connection:
        person = find_subscriber(connection, email)
        if person is None:
            raise UsageError(f"nobody is known by {email}; `digest subscribers list` shows who is")
        return known_of(connection, person) | {"deliveries": deliveries_of(connection, person.id)}


def _rows(connection: Connection, table: Table, names: tuple[str, ...], which: ColumnElement[bool]) -> list[dict[str, Any]]:
    query = select(*(table.c[name] for name in names)).where(which).order_by(*table.primary_key.columns)
    return [dict(zip(names, row, strict=True)) for row in connection.execute(query)]


def _steps(connection: Connection, subscriber_id: int) -> list[dict[str, Any]]:
    row, issue = tables.history.c, tables.issue.c
    query = (
        select(issue.newsletter, issue.number, row.from_state, row.to_state, row.actor, row.reason, row.at)
        .join(tables.issue, issue.id == row.issue_id)
        .where(row.subscriber_id == subscriber_id)
        .order_by(row.id)
    )
    return [_named(found._asdict()) for found in connection.execute(query)]


def _reported(connection: Connection, subscriber_id: int) -> list[dict[str, Any]]:
    row, issue, article = tables.event.c, tables.issue.c, tables.article.c
    query = (
        select(issue.newsletter, issue.number, row.kind, row.occurred_at, row.provider, row.reason, article.url.label("clicked"))
        .select_from(tables.event.join(tables.issue, issue.id == row.issue_id))
        .outerjoin(tables.article, article.id == row.article_id)
        # Every issue, by its name: the key of events begins with it, and else all of them are read for one person.
        .where(row.issue_id.in_(select(issue.id)), row.subscriber_id == subscriber_id)
        .order_by(row.occurred_at, row.id)
    )
    return [_named(found._asdict()) for found in connection.execute(query)]


def _had_already(connection: Connection, subscriber_id: int) -> list[dict[str, Any]]:
    row, article = tables.had_already.c, tables.article.c
    query = (
        select(article.url, article.title, row.at)
        .join(tables.article, article.id == row.article_id)
        .where(row.subscriber_id == subscriber_id)
        .order_by(row.article_id)
    )
    return [{"article": found.url, "title": found.title, "at": found.at} for found in connection.execute(query)]


def _owed_anew(connection: Connection, subscriber_id: int) -> list[str]:
    """The issues whose mail bounced, and whose articles were owed to them once more."""
    row, issue = tables.owed_anew.c, tables.issue.c
    query = select(issue.newsletter, issue.number).join(tables.owed_anew, issue.id == row.issue_id)
    found = connection.execute(query.where(row.subscriber_id == subscriber_id).order_by(issue.id))
    return [f"{one.newsletter}/{one.number}" for one in found]


def _questions(connection: Connection, subscriber_id: int) -> list[dict[str, Any]]:
    """When they were last asked whether they want to go on with a newsletter."""
    row, subscription = tables.question.c, tables.subscription.c
    query = select(subscription.newsletter, row.asked_at, row.sent_at).join(
        tables.subscription, subscription.id == row.subscription_id
    )
    found = connection.execute(query.where(subscription.subscriber_id == subscriber_id).order_by(row.subscription_id))
    return [{"newsletter": one.newsletter, "asked_at": one.asked_at, "sent_at": one.sent_at} for one in found]


def _named(found: dict[str, Any]) -> dict[str, Any]:
    rest = {str(name): value for name, value in found.items() if name not in {"newsletter", "number"}}
    return {"issue": f"{found['newsletter']}/{found['number']}"} | rest


def _subscription(subscription: Any) -> dict[str, Any]:
    names = ("newsletter", "topics", "frequency", "state", "created_at", "confirmed_at", "ended_at", "paused_until")
    return {name: getattr(subscription, name) for name in names}


def _fields(kept: Any) -> dict[str, Any]:
    return {name: getattr(kept, name) for name in type(kept).__slots__ if name != "id"}
