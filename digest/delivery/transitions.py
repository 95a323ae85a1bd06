"""The states of a delivery, and every step there is between them.

`planned → claimed → sending → accepted | rejected | deferred | unknown`. The ways back to `planned` are three: from
`claimed` (its lease ended, nothing was sent), from `deferred` (the provider said that it did not take it) and from
`unknown` (by evidence, or by a person). What was marked and surely not handed over to anybody is only claimed, as before.
`accepted` absorbs. What a provider's event proves comes on top: see `PROVABLE`.
"""

from __future__ import annotations

from enum import StrEnum


class DeliveryState(StrEnum):
    """Where a delivery stands; `skipped` means that the issue held nothing for that subscriber."""

    PLANNED = "planned"
    CLAIMED = "claimed"
    SENDING = "sending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    DEFERRED = "deferred"
    UNKNOWN = "unknown"
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    SKIPPED = "skipped"


_D = DeliveryState
_LEFT_OUT = frozenset({_D.SUPPRESSED, _D.CANCELLED, _D.EXPIRED})

STEPS: dict[DeliveryState, frozenset[DeliveryState]] = {
    _D.PLANNED: frozenset({_D.CLAIMED}) | _LEFT_OUT,
    _D.CLAIMED: frozenset({_D.SENDING, _D.PLANNED}) | _LEFT_OUT,
    _D.SENDING: frozenset({_D.CLAIMED, _D.ACCEPTED, _D.REJECTED, _D.DEFERRED, _D.UNKNOWN}),
    _D.DEFERRED: frozenset({_D.PLANNED}) | _LEFT_OUT,
    _D.UNKNOWN: frozenset({_D.ACCEPTED, _D.REJECTED, _D.PLANNED}),
    _D.ACCEPTED: frozenset(),
    _D.REJECTED: frozenset(),
    _D.SUPPRESSED: frozenset(),
    _D.CANCELLED: frozenset(),
    _D.EXPIRED: frozenset(),
    _D.SKIPPED: frozenset(),
}

# From these to `accepted` when the provider's event proves that it took one: we did not know, had taken it for not taken, or
# are a restored copy that forgot. What is claimed or being sent has a process that will say where it stands.
PROVABLE = (_D.PLANNED, _D.DEFERRED, _D.UNKNOWN, _D.REJECTED, _D.SUPPRESSED, _D.CANCELLED, _D.EXPIRED)

# What was to be sent again under the same idempotency key is unknown again when the key's life is over.
FORGETTABLE = (_D.PLANNED, _D.DEFERRED)

# Something may still happen to these by themselves; an issue with none of them is settled.
UNSENT = (_D.PLANNED, _D.CLAIMED, _D.SENDING, _D.DEFERRED)

# Their articles count as sent to that subscriber; in every other state the articles are given back.
COUNTS_AS_SENT = (_D.PLANNED, _D.CLAIMED, _D.SENDING, _D.DEFERRED, _D.UNKNOWN, _D.ACCEPTED)

# They were considered and did not get it: once the issue settles they are owed it again. Who is suppressed was not considered.
GIVES_BACK = (_D.REJECTED, _D.EXPIRED, _D.CANCELLED)


def may(from_state: DeliveryState, to_state: DeliveryState) -> bool:
    """Whether the ledger knows this step."""
    return to_state in STEPS[from_state]
