"""Asking whether an address answers: HEAD, and GET where a server does not like that; the body is never read.

What was reached is believed for a day, what was not for ten minutes, so that looking at an issue again asks nobody again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Literal

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.exc import IntegrityError

from digest.catalogue.answered import Answer
from digest.catalogue.hosts import Hosts
from digest.errors import Unreachable
from digest.store import tables

BELIEVED = {True: timedelta(days=1), False: timedelta(minutes=10)}
_AT_ONCE = 8
_MOST = 2_000_000_000  # bytes, however many a server claims: what every database can keep
_row = tables.link_answer.c


Ask = Callable[[str], Answer]


class Asker:
    """Asks, one request at a time to each host. `allow_private` lets in private and loopback addresses."""

    def __init__(self, user_agent: str, *, allow_private: bool) -> None:
        self._user_agent, self._allow_private = user_agent, allow_private
        self._hosts = Hosts()

    def __call__(self, address: str) -> Answer:
        """What becomes of asking for one address."""
        try:
            return self._ask(address, "HEAD")
        except Unreachable:
            try:
                return self._ask(address, "GET")
            except Unreachable as error:
                return Answer(reached=False, said=str(error))

    def _ask(self, address: str, method: Literal["GET", "HEAD"]) -> Answer:
        from digest.catalogue.fetching import Asking, Bounds, fetch  # what speaks HTTP is loaded when something is asked

        asking = Asking(self._user_agent, accept="*/*", hear=("content-length",), method=method, body=False)
        bounds = Bounds(connect_seconds=5.0, read_seconds=10.0, total_seconds=20.0)
        page = fetch(address, allow_private=self._allow_private, bounds=bounds, asking=asking, turn=self._hosts.turn)
        length = page.heard.get("content-length", "")
        return Answer(reached=True, size=min(int(length[:20]), _MOST) if length.isdecimal() else None)


def believed(connection: Connection, addresses: Iterable[str], now: datetime) -> dict[str, Answer]:
    """What addresses said lately; those that have to be asked are left out."""
    found: dict[str, Answer] = {}
    for address in addresses:
        row = connection.execute(select(tables.link_answer).where(_row.url == address)).one_or_none()
        if row is not None and timedelta(0) <= now - row.asked_at < BELIEVED[row.reached]:
            found[address] = Answer(row.reached, row.size, row.said)
    return found


def ask_all(addresses: Iterable[str], ask: Ask) -> dict[str, Answer]:
    """Ask for several addresses, a few at once."""
    wanted = list(dict.fromkeys(addresses))
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="link") as threads:
        return dict(zip(wanted, threads.map(ask, wanted), strict=True))


def keep(connection: Connection, answers: Mapping[str, Answer], now: datetime) -> None:
    """Remember what was said, and forget what is believed no more. What another process keeps meanwhile is as good as ours."""
    connection.execute(delete(tables.link_answer).where(_row.asked_at < now - BELIEVED[True]))
    for address, answer in sorted(answers.items(), key=itemgetter(0)):  # all in one order, so that no two wait for one another
        values = {"url": address, "asked_at": now, "reached": answer.reached, "size": answer.size, "said": answer.said}
        with suppress(IntegrityError), connection.begin_nested():
            connection.execute(delete(tables.link_answer).where(_row.url == address))
            connection.execute(insert(tables.link_answer).values(values))
