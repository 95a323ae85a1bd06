"""Allowing: whether a page may cause a mail to somebody just now. Limits hold for an address, a network, and altogether.

The limit for all together shuts out nobody who pays: beyond it a form costs more work, and what costs nothing is refused. A flood
that is refused writes next to nothing, however long it lasts.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from digest.app.wiring import App
from digest.audience.proving import HIGHER, HIGHEST, USUAL, Price
from digest.audience.tallying import count, hashed, highest, many
from digest.logs import logger

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
REFUSED_NETWORK, REFUSED_ALL = "refused-network", "refused-all"
_ALARMING = {"network": REFUSED_NETWORK, "unproved": REFUSED_NETWORK, "all": REFUSED_ALL}
_log = logger("digest.pages")

IN_A_DAY = 5
"""The most mails that sign-ups may cause to one address in a day, and as many each button of its owner's own page; in an hour it is one each."""

BEYOND = 10
"""So many times `asks_per_hour` is the end, whatever was paid: mails are other people's mailboxes."""

_IDLE = 4
"""So many times its mails a network may have us write down that an address was asked for again."""

_EXACTLY = 8
"""So many refusals are counted one by one; the more there are, the more roughly."""


@dataclass(frozen=True, slots=True)
class _Limit:
    """At most so many in such a time."""

    key: str
    most: int
    within: timedelta

    @property
    def kind(self) -> str:
        return self.key.partition(" ")[0]


def price(app: App) -> Price:
    """What a form costs just now."""
    with app.store.reading() as connection:
        return price_of(_altogether(app, connection), app.settings.pages.asks_per_hour)


def price_of(asked: int, usual: int) -> Price:
    """What a form costs when so many mails were caused in an hour, and so many are usual at most."""
    if asked >= usual:
        return HIGHEST
    return HIGHER if 2 * asked >= usual else USUAL


def allow(app: App, connection: Connection, address: str, network: str | None, *, proved: bool = True) -> bool:
    """Whether a mail may be caused; when it may, it is counted. Within a transaction that writes.

    Of requests that cost whoever makes them nothing (not `proved`) a network may make a quarter as many, and none when all
    together have asked for what is usual.
    """
    limits = _limits(app, address, network, proved)
    over = _reached(app, connection, limits)
    if over is None and _altogether(app, connection) + 1 == app.settings.pages.asks_per_hour:
        _log.warning(
            "sign-ups have caused %d mails in an hour, pages.asks_per_hour: forms cost more work until it is quiet",
            app.settings.pages.asks_per_hour,
            action="sign_ups_many",
        )
    if over is None:
        _count(app, connection, limits)
    elif over.kind == "address":
        _count(app, connection, _idle(app, network))
    return over is None


def turned_away(app: App, address: str, network: str | None, *, proved: bool = True) -> bool:
    """Whether a request is refused without a word in the database, or nearly. Who asks for one address again and again harms
    nobody, and is answered as slowly as everybody, unless it is too often."""
    with app.store.reading() as connection:
        over = _reached(app, connection, _limits(app, address, network, proved))
        if over is None:
            return False
        if over.kind == "address":
            return _reached(app, connection, _idle(app, network)) is not None
        key = _refused(app, over, network)
        before = many(connection, key, since=app.now - HOUR)
    _tell(app, over, network, key, before)
    return True


def allow_own(app: App, connection: Connection, what: str, address: str, *others: str) -> bool:
    """Whether somebody whose link we know may cause a mail about `what` to themselves, and at once to `others`.

    No flood of sign-ups, for their own address or for all of them, keeps a person from being erased or from moving.
    """
    limits = _a_few(app, "own", f"{what}|{address}")
    for other in others:
        limits += _mailbox(app, other)
    return _take(app, connection, limits)


def allow_invited(app: App, connection: Connection, address: str) -> bool:
    """Whether the operator's word may cause a mail to somebody who has not confirmed: by the address's own limits alone."""
    return _take(app, connection, _a_few(app, "address", address))


def flood(app: App) -> str | None:
    """What somebody should look at: since an hour ago a network, or all together, asked for more than they may; None when quiet."""
    since, pages = app.now - HOUR, app.settings.pages
    with app.store.reading() as connection:
        networks = highest(connection, REFUSED_NETWORK, since=since)
        refused = highest(connection, REFUSED_ALL, since=since)
        asked = _altogether(app, connection)
    if refused or asked >= pages.asks_per_hour:
        more = f", and some {refused:,} were refused" if refused else ""
        return f"in the last hour sign-ups caused {asked:,} mails, pages.asks_per_hour is {pages.asks_per_hour:,}{more}"
    if networks:
        return f"in the last hour one network was refused some {networks:,} times beyond pages.asks_per_network, {pages.asks_per_network:,}"
    return None


def _altogether(app: App, connection: Connection) -> int:
    return many(connection, hashed(app.key, "all"), since=app.now - HOUR)


def _reached(app: App, connection: Connection, limits: Sequence[_Limit]) -> _Limit | None:
    """The first limit that is reached."""
    found = (one for one in limits if many(connection, one.key, since=app.now - one.within) >= one.most)
    return next(found, None)


def _take(app: App, connection: Connection, limits: Sequence[_Limit]) -> bool:
    """Count one more, unless a limit is reached."""
    free = _reached(app, connection, limits) is None
    if free:
        _count(app, connection, limits)
    return free


def _count(app: App, connection: Connection, limits: Sequence[_Limit]) -> None:
    for key in dict.fromkeys(limit.key for limit in limits):
        count(connection, key, now=app.now)


def _refused(app: App, limit: _Limit, network: str | None) -> str:
    """Under which key a refusal is counted."""
    kind = _ALARMING[limit.kind]
    return hashed(app.key, kind, network if kind == REFUSED_NETWORK and network else "")


def _tell(app: App, limit: _Limit, network: str | None, key: str, before: int) -> None:
    """Count a refusal, and tell the log when it is the first in an hour. Of many, one stands for as many as are not written."""
    weight = max(1, before // _EXACTLY)
    if secrets.randbelow(weight):
        return
    with app.store.writing() as connection:
        if not many(connection, key, since=app.now - HOUR):
            of_network = _ALARMING[limit.kind] == REFUSED_NETWORK
            who = (network or "who hides their network") if of_network else "all together"
            _log.warning(
                "a flood of sign-ups: %s asked for more than %d mails in an hour, and is refused more",
                who,
                limit.most,
                action="sign_ups_flood",
            )
        count(connection, key, now=app.now, more=weight)


def _limits(app: App, address: str, network: str | None, proved: bool) -> list[_Limit]:
    """A network that is not known is one like every other: who hides theirs gains nothing."""
    pages, key, whose = app.settings.pages, app.key, network or "unknown"
    limits = [
        _Limit(hashed(key, "all"), pages.asks_per_hour * (BEYOND if proved else 1), HOUR),
        _Limit(hashed(key, "network", whose), pages.asks_per_network, HOUR),
    ]
    if not proved:
        limits.append(_Limit(hashed(key, "unproved", whose), max(1, pages.asks_per_network // 4), HOUR))
    return limits + _mailbox(app, address)


def _idle(app: App, network: str | None) -> list[_Limit]:
    """How often we write down that somebody asked for an address once more."""
    pages, key = app.settings.pages, app.key
    return [
        _Limit(hashed(key, "idle"), BEYOND * pages.asks_per_hour, HOUR),
        _Limit(hashed(key, "idle", network or "unknown"), _IDLE * pages.asks_per_network, HOUR),
    ]


def _mailbox(app: App, address: str) -> list[_Limit]:
    """An address's own limits, and that of a day for all that most services put into the same mailbox: `eve`, `eve+1`, `eve+2`."""
    local, _, domain = address.partition("@")
    same = hashed(app.key, "address", f"mailbox|{local.partition('+')[0]}@{domain}")
    return [*_a_few(app, "address", address), _Limit(same, IN_A_DAY, DAY)]


def _a_few(app: App, kind: str, address: str) -> list[_Limit]:
    key = hashed(app.key, kind, address)
    return [_Limit(key, 1, HOUR), _Limit(key, IN_A_DAY, DAY)]
