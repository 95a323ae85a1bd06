"""Allowing: whether a page may cause a mail to somebody just now. Limits hold for an address, a network, and altogether."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from digest.app.wiring import App
from digest.audience.tallying import count, hashed, many

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
IN_A_DAY = 5
"""The most mails that pages may cause to one address in a day; in an hour it is one."""


@dataclass(frozen=True, slots=True)
class _Limit:
    """At most so many in such a time."""

    key: str
    most: int
    within: timedelta


def allow(app: App, connection: Connection, address: str, network: str | None) -> bool:
    """Whether a mail may be caused; when it may, it is counted. Within a transaction that writes."""
    limits = _limits(app, address, network)
    for limit in limits:
        if many(connection, limit.key, since=app.now - limit.within) >= limit.most:
            count(connection, hashed(app.key, "refused"), now=app.now)
            return False
    for key in dict.fromkeys(limit.key for limit in limits):
        count(connection, key, now=app.now)
    return True


def _limits(app: App, address: str, network: str | None) -> list[_Limit]:
    pages, key = app.settings.pages, app.key
    limits = [
        _Limit(hashed(key, "address", address), 1, HOUR),
        _Limit(hashed(key, "address", address), IN_A_DAY, DAY),
        _Limit(hashed(key, "all"), pages.asks_per_hour, HOUR),
    ]
    if network is not None:
        limits.append(_Limit(hashed(key, "network", network), pages.asks_per_network, HOUR))
    return limits
