"""Tongues: the languages that readers asked for, and who of a newsletter asked for which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, literal, select

from digest.audience.readership import of_frequency
from digest.audience.subscription import SubscriptionState
from digest.languages.matching import language_for
from digest.store import tables

_person, _row = tables.subscriber.c, tables.subscription.c


def other_tongues(connection: Connection, own: str, languages: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The tags that readers asked for, by the one of `languages` that each comes to; those that come to `own` are left out."""
    languages = tuple(languages)
    asked = connection.execute(select(_person.language).where(_person.language.is_not(None)).distinct()).scalars()
    found: dict[str, tuple[str, ...]] = {}
    for tag in sorted(asked):
        language = language_for(tag, own, languages)
        if language != own:
            found[language] = (*found.get(language, ()), tag)
    return dict(sorted(found.items()))


def anybody_asks(connection: Connection, newsletter: str, frequency: str, tags: Iterable[str]) -> bool:
    """Whether one of these tags was asked for by somebody who is, or may come to be, in a newsletter's audience."""
    query = select(_row.id).join(tables.subscriber, _person.id == _row.subscriber_id)
    where = (_row.newsletter == newsletter, of_frequency(frequency), _row.state != SubscriptionState.UNSUBSCRIBED.value)
    return connection.execute(query.where(*where, _person.language.in_(list(tags))).limit(1)).first() is not None


def language_column(own: str, tongues: Mapping[str, Iterable[str]]) -> ColumnElement[Any]:
    """A reader's language in SQL; where there are other tongues, of a query that has the subscriber in it."""
    ways = [(_person.language.in_(list(tags)), literal(language)) for language, tags in tongues.items()]
    return case(*ways, else_=literal(own)) if ways else literal(own)
