"""Why a dispatch stopped."""

from __future__ import annotations

from enum import StrEnum


class Ending(StrEnum):
    """Why a dispatch stopped."""

    EMPTY = "empty"  # nothing is left that can be sent soon
    DRAINED = "drained"  # told to stop
    PAUSED = "paused"  # the content is refused: a person has to look
    ACCOUNT = "account"  # the provider refuses us
    DOUBT = "doubt"  # its answers leave everything in doubt
    OUT_OF_REACH = "out_of_reach"  # no connection
    HELD_BACK = "held_back"  # the provider wants a longer pause than a run makes; the next run goes on
    CANARY = "canary"  # the first share has gone out; the rest waits for what becomes of it
    STOPPED = "stopped"  # the ledger refused: paused or cancelled by somebody else


# The provider is at fault, and another may carry what was surely not taken.
PROVIDER_FAILED = frozenset({Ending.ACCOUNT, Ending.DOUBT, Ending.OUT_OF_REACH})

OUT_OF_REACH = "the provider is out of reach: "
"""With this begins the reason of an issue that paused for want of a connection: the next run goes on with it."""

# The issue pauses with the reason.
PAUSING = PROVIDER_FAILED | {Ending.PAUSED}
