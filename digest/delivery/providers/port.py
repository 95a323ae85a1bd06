"""The provider port: what an e-mail service must do to carry deliveries.

A provider is found by the entry point group `digest.providers`; its class takes `(settings: Settings)` and raises
`UsageError` when something it needs is not configured. Each lane of the dispatch opens one transport and uses it
from one thread; a transport keeps its connection between sends.

A transport never raises for what a service or a network does: it answers with an `Answer`, in which every envelope
has an outcome, as the table in `docs/providers/` for that provider says. It never retries by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, runtime_checkable

from digest.delivery.event import Event
from digest.delivery.providers.answer import Answer, Outcome, Trouble
from digest.delivery.providers.waiting import Wanted
from digest.rendering.content import Envelope
from digest.rendering.rendition import Rendition
from digest.settings import Delivery, Settings

__all__ = [
    "Ahead",
    "Answer",
    "EventReader",
    "EventsRead",
    "Outcome",
    "Provider",
    "Stream",
    "Streaming",
    "Transport",
    "Trouble",
    "key_life",
    "longest_send",
    "made_of",
    "seals",
]


def longest_send(delivery: Delivery) -> timedelta:
    """The longest that one send may take: to connect, to write everything, to wait for the answer. Leases outlive it.

    Looking a name up is the operating system's, and comes on top.
    """
    return delivery.connect_timeout + 2 * delivery.timeout


def key_life(provider: object) -> timedelta:
    """For how long the provider knows a delivery's id again and does not take it twice: its `idempotent_for`, zero by default.

    Such a provider hands the delivery id over as the idempotency key, the same for every attempt.
    """
    life: timedelta = getattr(provider, "idempotent_for", timedelta(0))
    return life


def seals(provider: object) -> bool:
    """Whether what a provider is given carries each delivery's seal, by which what comes back is read: its `seals`; True by default."""
    carries: bool = getattr(provider, "seals", True)
    return carries


def made_of(provider: object) -> Settings | None:
    """The settings of which another process can make the same provider, by its class: its `made_of`. None: none can."""
    settings: Settings | None = getattr(provider, "made_of", None)
    return settings


@dataclass(frozen=True, slots=True)
class EventsRead:
    """A provider's report, read: events, how many entries were of kinds that say nothing here, and what is wrong with the rest.

    `unknown` are the provider's own words for kinds that Digest has no word for; their entries are among the ignored. `wrong` is how
    many entries are faulty, of which `faults` tells the first.
    """

    events: tuple[Event, ...]
    ignored: int = 0
    faults: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    wrong: int = 0


EventReader = Callable[[Sequence[Any]], EventsRead]
"""Reads the entries of a report, parsed JSON that anybody may have written: a bad one is a fault and stops only itself.

A provider that reports has one as its attribute `read_events`, to be called without an instance.
"""


class Transport(Protocol):
    """One connection of one lane."""

    def send(self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime) -> Answer:
        """Carry one batch of one rendition; blocking, for at most `longest_send`.

        What cannot be built into a message is the content's trouble. A connection that the service had let go of
        before it answered anything is opened again within the same send; nothing else is tried twice.
        """
        ...

    def close(self) -> None:
        """Let the connection go; never raises."""
        ...


class Provider(Protocol):
    """An e-mail service."""

    name: str
    batch_limit: int  # the most envelopes of one send: 1 for SMTP

    def open(self) -> Transport:
        """A new transport; connects lazily, at its first send."""
        ...

    def describe(self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime) -> list[dict[str, Any]]:
        """The requests `send` would make, secrets masked: what a dry run writes to `requests.jsonl`."""
        ...


@dataclass(slots=True)  # one for each message: frozen, it takes four times as long to make
class Ahead:
    """Who most likely follows on a connection: their address, and how their envelope is made by whoever needs more of it."""

    address: str
    make: Callable[[], Envelope]


class Stream(Protocol):
    """A transport that does not block: one thread drives many, which spares them the changing of threads."""

    def send(
        self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime, ahead: Ahead | None = None
    ) -> Coroutine[Wanted, None, Answer]:
        """As `Transport.send`, waiting as `waiting` says.

        `ahead` is who most likely follows, for what can be said before: nobody may get anything by it.
        """
        ...

    def close(self) -> None:
        """As `Transport.close`."""
        ...


@runtime_checkable
class Streaming(Protocol):
    """A provider whose transports come as streams too."""

    def stream(self) -> Stream:
        """A new one; connects lazily, at its first send."""
        ...
