"""What a provider can answer: a closed vocabulary, the same for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    """What became of one envelope."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"  # refused for this recipient's sake
    DEFERRED = "deferred"  # surely not taken; try again later
    UNKNOWN = "unknown"  # nobody knows whether it was taken


class Trouble(StrEnum):
    """What is wrong beyond single recipients, and so concerns those still waiting."""

    CONTENT = "content"  # refused for the content's sake: nobody is rejected; after three alike the issue pauses
    ACCOUNT = "account"  # credentials, sender or account refused: sending pauses at once
    CONNECTION = "connection"  # out of reach before anything was sent
    THROTTLED = "throttled"  # told to slow down


@dataclass(slots=True)  # one for each message: frozen, it takes four times as long to make
class Answer:
    """What a provider answered to one send.

    `outcomes` has exactly one entry per envelope, in order. `texts` holds the provider's own words for a delivery
    that departs from the rest, by position; `text` those for the whole, masked and at most 500 characters. On a
    trouble, envelopes that were surely not taken are DEFERRED. `retry_after` is in seconds. `crowded` are the positions
    of recipients whose mail host asked for patience: their whole domain waits a while.
    """

    outcomes: tuple[Outcome, ...]
    text: str = ""
    texts: Mapping[int, str] = field(default_factory=dict)
    trouble: Trouble | None = None
    retry_after: float | None = None
    crowded: frozenset[int] = frozenset()
    provider_message_id: str | None = None
