"""Another process at the same database, for tests: a thread with connections of its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from sqlalchemy import text

from digest.store.database import Store
from tests.databases import eventually
from tests.issues.newsroom import Newsroom

T = TypeVar("T")
_WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"


@dataclass(slots=True)
class Others:
    """What others do at a newsroom while this process is in the middle of something."""

    newsroom: Newsroom
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(8))
    futures: list[Future[Any]] = field(default_factory=list)
    stores: list[Store] = field(default_factory=list)

    def begin(self, act: Callable[[Newsroom], T]) -> Future[T]:
        """Another process begins; returns once it has ended, or waits for somebody."""
        waited = self.waiting()
        future = self.start(act)
        eventually(lambda: future.done() or self.waiting() > waited)
        return future

    def start(self, act: Callable[[Newsroom], T]) -> Future[T]:
        """Another process begins, and nobody waits for it."""
        future = self.pool.submit(act, replace(self.newsroom, store=self.store()))
        self.futures.append(future)
        return future

    def store(self) -> Store:
        """The same database, as another process opens it."""
        self.stores.append(Store(self.newsroom.store.url.render_as_string(hide_password=False)))
        return self.stores[-1]

    def waiting(self) -> int:
        """How many transactions wait for another one."""
        with self.newsroom.store.reading() as connection:
            return int(connection.execute(text(_WAITING)).scalar_one())

    def close(self) -> None:
        """Let everything end."""
        self.pool.shutdown()
        for store in self.stores:
            store.close()
