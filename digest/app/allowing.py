"""Allowing: whether a page may cause a mail to somebody just now. Limits hold for an address, a network, and altogether."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from digest.app.wiring import App
from digest.audience.tallying import count, hashed, highest, many

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
REFUSED_NETWORK, REFUSED_ALL = "refused-network", "refused-all"
_ALARMING = {"network": REFUSED_NETWORK, "unproved": REFUSED_NETWORK, "all": REFUSED_ALL}
_log = logging.getLogger("digest.pages")

IN_A_DAY = 5
"""The most mails that sign-ups may cause to one address in a day, and as many its owner's own page; in an hour it is one each."""


@dataclass(frozen=True, slots=True)
class _Limit:
    """At most so many in such a time."""

    key: str
    most: int
    within: timedelta


def allow(app: App, connection: Connection, address: str, network: str | None, *, proved: bool = True) -> bool:
    """Whether a mail may be caused; when it may, it is counted. Within a transaction that writes.

    Of requests that cost whoever makes them nothing (not `proved`) a network may make a quarter as many.
    """
    return _count_in(app, connection, _limits(app, address, network, proved), network)


def allow_own(app: App, connection: Connection, address: str, *others: str) -> bool:
    """Whether somebody whose link we know may cause a mail to themselves, and at once to `others`.

    No flood of sign-ups, for their own address or for all of them, keeps a person from being erased or from moving.
    """
    limits = _a_few(app, "own", address)
    for other in others:
        limits += _a_few(app, "address", other)
    return _count_in(app, connection, limits, None)


def _count_in(app: App, connection: Connection, limits: Sequence[_Limit], network: str | None) -> bool:
    for limit in limits:
        if many(connection, limit.key, since=app.now - limit.within) >= limit.most:
            _refuse(app, connection, limit, network)
            return False
    for key in dict.fromkeys(limit.key for limit in limits):
        count(connection, key, now=app.now)
    return True


def flood(app: App) -> str | None:
    """What somebody should look at: since an hour ago a network, or all together, asked for more than they may; None when quiet."""
    since = app.now - HOUR
    with app.store.reading() as connection:
        networks = highest(connection, REFUSED_NETWORK, since=since)
        altogether = highest(connection, REFUSED_ALL, since=since)
    pages = app.settings.pages
    if altogether:
        return f"in the last hour {altogether:,} sign-ups were refused beyond pages.asks_per_hour, {pages.asks_per_hour:,}"
    if networks:
        return f"in the last hour one network was refused {networks:,} times beyond pages.asks_per_network, {pages.asks_per_network:,}"
    return None


def _refuse(app: App, connection: Connection, limit: _Limit, network: str | None) -> None:
    """Count it, and tell the log when that is the first in an hour. Who asks for one address again and again harms nobody."""
    kind = _ALARMING.get(limit.key.partition(" ")[0])
    if kind is None:
        return
    key = hashed(app.key, kind, network if kind == REFUSED_NETWORK and network else "")
    if not many(connection, key, since=app.now - HOUR):
        who = (network or "who hides their network") if kind == REFUSED_NETWORK else "all together"
        _log.warning("a flood of sign-ups: %s asked for more than %d mails in an hour, and is refused more", who, limit.most)
    count(connection, key, now=app.now)


def _limits(app: App, address: str, network: str | None, proved: bool) -> list[_Limit]:
    """A network that is not known is one like every other: who hides theirs gains nothing."""
    pages, key, whose = app.settings.pages, app.key, network or "unknown"
    limits = [
        *_a_few(app, "address", address),
        _Limit(hashed(key, "all"), pages.asks_per_hour, HOUR),
        _Limit(hashed(key, "network", whose), pages.asks_per_network, HOUR),
    ]
    if not proved:
        limits.append(_Limit(hashed(key, "unproved", whose), max(1, pages.asks_per_network // 4), HOUR))
    return limits


def _a_few(app: App, kind: str, address: str) -> list[_Limit]:
    key = hashed(app.key, kind, address)
    return [_Limit(key, 1, HOUR), _Limit(key, IN_A_DAY, DAY)]
