"""The local engine: one process, one writer, and as many lanes as the settings allow."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from digest.delivery.allowance import Allowance
from digest.delivery.ending import Ending
from digest.delivery.engines.books import SqlBooks
from digest.delivery.engines.carrier import Carrier
from digest.delivery.engines.feed import FedBooks, Feed
from digest.delivery.engines.lanes import Lanes
from digest.delivery.engines.streams import Streams
from digest.delivery.engines.turns import Turns
from digest.delivery.envelopes import EnvelopeMaker
from digest.delivery.ledger import Ledger
from digest.delivery.pacing import Pace
from digest.delivery.providers.answer import Outcome
from digest.delivery.providers.port import Provider, Streaming, longest_send, made_of
from digest.delivery.real_time import steady_clock
from digest.delivery.sharing import SharedPace
from digest.delivery.shelf import Shelf
from digest.delivery.steps import Drain
from digest.settings import Delivery
from digest.store.database import Store

_DRAIN = timedelta(seconds=7)  # with what comes after it, a process ends within ten
_CLAIMS = (10, 400)  # deliveries a lane claims at once where a request carries one: the fewest and the most
WORTH_A_CARRIER = 20_000  # readers of an issue: a carrier takes some tenths of a second to begin
_CLAIMS_A_LANE = 4  # so many claims of a lane at least: the lanes end at about the same time

Progress = Callable[[Mapping[Outcome, int]], None]


@dataclass(frozen=True, slots=True)
class Result:
    """How a dispatch ended, and how many outcomes of each kind it brought."""

    ending: Ending
    reason: str
    outcomes: Mapping[Outcome, int]


@dataclass(frozen=True, slots=True)
class LocalEngine:
    """Sends the planned deliveries of one issue through one provider; `unit` is how many one request carries.

    `audience` is how many the issue has: what is worth its while for many is not for a few. With a `feed` every claim is worth a
    job of it; `shared` is the pace that holds with others, of whom there are `share`.
    """

    store: Store
    ledger: Ledger
    provider: Provider
    shelf: Shelf
    envelopes: EnvelopeMaker
    settings: Delivery
    unit: int
    allowances: Sequence[Allowance] = ()
    audience: int = 0
    feed: Feed | None = None
    shared: SharedPace | None = None
    share: int = 1

    def run(
        self, stop: threading.Event, on_progress: Progress = lambda _: None, *, ends: threading.Event | None = None
    ) -> Result:
        """Until nothing planned is left, or a reason to stop. Raises `Unreachable` when the store fails.

        From `stop` on nothing new is begun. What was is waited for as long as always, and for `_DRAIN` once the process `ends`,
        which is the same where the two are one.
        """
        lanes = self._carriers()
        clock = steady_clock()
        books = SqlBooks(self.store, self.ledger, self.shelf)
        bounds = pace(self.settings, self.unit, self.audience, self.share, alone=self.feed is None)
        fed = books if self.feed is None else FedBooks(books, self.feed, self.ledger.issue_id, bounds.patience)
        turns = Turns(fed, lanes, self.envelopes, self.settings, bounds, clock, self.allowances, self.shared)
        machine, drain_until, told = turns.machine, None, False
        ends = ends or stop
        try:
            while not machine.finished:
                if stop.is_set() and not told:
                    machine.hear(Drain("told to stop"), clock())
                    told = True
                if told and ends.is_set() and drain_until is None:
                    drain_until = clock() + _DRAIN
                if drain_until is not None and clock() >= drain_until:
                    turns.abandon("told to stop, and no answer came in time")
                turns.turn()
                on_progress(turns.outcomes)
        finally:
            lanes.close()
            if isinstance(fed, FedBooks):
                fed.end()
        return Result(machine.ending or Ending.EMPTY, machine.reason, dict(turns.outcomes))

    def _carriers(self) -> Lanes | Streams | Carrier:
        # A worker is a process beside others already; one that outlives it would be alive where its lock says that it is dead.
        settings = None if self.feed is not None else made_of(self.provider)
        if settings is None or self.audience < WORTH_A_CARRIER:
            return self._here()
        return Carrier(
            self.provider,
            settings,
            self.envelopes,
            self.shelf.press,
            longest=longest_send(self.settings),
            lock=self.store.lock,
            instead=self._here,
        )

    def _here(self) -> Lanes | Streams:
        return Streams(self.provider) if isinstance(self.provider, Streaming) else Lanes(self.provider)


def claim_size(settings: Delivery, unit: int, audience: int) -> int:
    """How many deliveries of an issue a lane claims at once."""
    fewest, most = _CLAIMS
    return unit if unit > 1 else max(fewest, min(most, audience // (settings.concurrency * _CLAIMS_A_LANE)))


def pace(settings: Delivery, unit: int, audience: int = 0, share: int = 1, *, alone: bool = True) -> Pace:
    """The bounds that the settings put on a dispatch to so many; of what a recipient domain takes, one of `share` parts is its own.

    One that is `alone` claims for all its lanes at once where a request carries one. Beside others, each lane claims what a job is worth.
    """
    shared = alone and unit == 1
    return Pace(
        unit=unit,
        claim=claim_size(settings, unit, audience) * (settings.concurrency if shared else 1),
        shared=shared,
        rate=settings.rate,
        lanes=settings.concurrency,
        back_off=settings.retry_first,
        patience=settings.patience,
        domains={domain: rate / share for domain, rate in settings.domain_rates.items()},
    )
