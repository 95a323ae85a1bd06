"""Pacing: how fast messages may leave, for a provider as a whole and for each recipient domain. Pure; time is passed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

LONGEST_WAIT = timedelta(days=1)  # whoever asks for more is asked again tomorrow
_CROWDED_AT_MOST = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Pace:
    """The bounds: deliveries of one request, of one claim, messages a second (0: no limit), lanes.

    Lanes take from one `shared` batch, or each has its own.
    Told to slow down, the dispatch waits `back_off` and twice as long each time; for more than `patience` it ends.
    `domains` are messages a second for a recipient domain, by its name in lower case.
    """

    unit: int
    claim: int
    rate: float
    lanes: int
    back_off: timedelta = timedelta(seconds=5)
    patience: timedelta = timedelta(seconds=30)
    domains: Mapping[str, float] = field(default_factory=dict)
    shared: bool = False


@dataclass(slots=True)
class Bucket:
    """A token bucket that holds one send: `rate` messages a second (0: no limit), and none before `free_at`.

    That is when what was spent has come in again, and not before what somebody asked to wait for.
    """

    rate: float
    spent_until: datetime
    held_until: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.held_until = self.spent_until

    @property
    def free_at(self) -> datetime:
        """When the next message may leave."""
        return max(self.spent_until, self.held_until)

    def spend(self, now: datetime, many: int) -> None:
        """`many` messages leave now."""
        if self.rate:
            self.spent_until = max(self.free_at, now) + timedelta(seconds=many / self.rate)

    def give_back(self, many: int) -> None:
        """So many for whom it was spent did not leave."""
        if self.rate:
            self.spent_until -= timedelta(seconds=many / self.rate)

    def hold(self, until: datetime) -> None:
        """Let nothing leave before `until`."""
        self.held_until = max(self.held_until, until)


@dataclass(slots=True)
class _Host:
    """What one recipient domain takes; `line_end` is when those who wait for their turn will have had it."""

    bucket: Bucket
    line_end: datetime
    crowded: int = 0  # so many answers in a row asked for patience


class Domains:
    """The recipient domains that have a rate of their own, and those that asked to be left alone for a while."""

    def __init__(self, pace: Pace, now: datetime) -> None:
        self._pace, self._began = pace, now
        self._hosts: dict[str, _Host] = {name.lower(): self._host(rate) for name, rate in pace.domains.items()}
        self.line_end = now

    def __bool__(self) -> bool:
        """Whether any domain is treated apart."""
        return bool(self._hosts)

    def free_at(self, domain: str) -> datetime | None:
        """When the next message to a domain may leave; None: whenever it likes."""
        host = self._hosts.get(domain)
        return None if host is None else host.bucket.free_at

    def spend(self, domain: str, now: datetime) -> None:
        """One message to a domain leaves now."""
        host = self._hosts.get(domain)
        if host is not None:
            host.bucket.spend(now, 1)

    def give_back(self, domain: str) -> None:
        """One for whom it was spent did not leave."""
        host = self._hosts.get(domain)
        if host is not None:
            host.bucket.give_back(1)

    def line_up(self, domain: str, many: int, now: datetime) -> datetime:
        """When `many` that wait for a domain should ask again: after those who already wait, or when its pause ends."""
        host = self._hosts[domain]
        start = max(host.bucket.free_at, now)
        if not host.bucket.rate:
            return start
        start = max(start, host.line_end)
        host.line_end = start + timedelta(seconds=many / host.bucket.rate)
        self.line_end = max(self.line_end, host.line_end)
        return start

    def heed(self, domain: str, *, crowded: bool, now: datetime) -> None:
        """Its host asked for patience: wait, and twice as long each time, at most a minute; or took one: forget that."""
        host = self._hosts.get(domain)
        if host is None:
            if not crowded:
                return
            host = self._hosts[domain] = self._host(0)
        if not crowded:
            host.crowded = 0
            return
        host.crowded += 1
        host.bucket.hold(now + min(self._pace.back_off * (1 << min(host.crowded - 1, 16)), _CROWDED_AT_MOST))

    def _host(self, rate: float) -> _Host:
        return _Host(Bucket(rate, self._began), self._began)
