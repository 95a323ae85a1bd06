"""What the dispatch says to do (`Step`), and what it is told (`Event`): plain data on both sides."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from digest.delivery.ending import Ending
from digest.delivery.providers.answer import Answer


@dataclass(frozen=True, slots=True)
class Claimed:
    """A batch of one rendition, held by us until its lease ends; `recipients` are subscriber ids, `addresses` theirs in turn."""

    batch: int
    rendition: int
    recipients: tuple[int, ...]
    addresses: tuple[str, ...] = ()

    _places: dict[int, int] = field(default_factory=dict, init=False, repr=False, compare=False)

    def domain_of(self, recipient: int) -> str:
        """The domain of one recipient's address; empty where nobody said it."""
        if not self.addresses:
            return ""
        if not self._places:
            self._places.update((one, place) for place, one in enumerate(self.recipients))
        return self.addresses[self._places[recipient]].rpartition("@")[2]


# What to do.


@dataclass(frozen=True, slots=True)
class Claim:
    """Claim up to `size` planned deliveries of one rendition for a lane, or for all that share. With `whole`, a request will carry them all."""

    lane: int
    size: int
    whole: bool = False


@dataclass(slots=True)  # one for each message: frozen, it takes four times as long to make
class Mark:
    """Mark these as sending, durably, unless they may no longer be sent."""

    lane: int
    batch: int
    recipients: tuple[int, ...]


@dataclass(slots=True)  # one for each message: frozen, it takes four times as long to make
class Send:
    """Hand these to the provider: they are marked. `ahead` is who most likely follows on this lane, not marked yet."""

    lane: int
    batch: int
    rendition: int
    recipients: tuple[int, ...]
    ahead: int | None = None


@dataclass(slots=True)  # one for each message: frozen, it takes four times as long to make
class Settle:
    """Write down what became of these."""

    lane: int
    batch: int
    recipients: tuple[int, ...]
    answer: Answer


@dataclass(frozen=True, slots=True)
class TakeBack:
    """Take the mark of these back, and give them back: they did not leave, and it was no attempt."""

    lane: int
    batch: int
    recipients: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Release:
    """Give these back: they were claimed and nothing was sent. With `until`, nobody claims them before."""

    batch: int
    recipients: tuple[int, ...]
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Finish:
    """Nothing of this batch is left to do."""

    batch: int


Step = Claim | Mark | Settle | TakeBack | Release | Finish


# What happened.


@dataclass(frozen=True, slots=True)
class ClaimAnswered:
    """What a claim brought; None when nothing could be claimed, and then `later` is when something can, if anything waits."""

    lane: int
    claimed: Claimed | None
    later: datetime | None = None


@dataclass(frozen=True, slots=True)
class Spared:
    """Nothing was claimed for this lane: what another one has claimed just now is enough for it too."""

    lane: int


@dataclass(slots=True)  # one for each message: frozen, it takes four times as long to make
class Marked:
    """The mark of these is committed; `back` are still only claimed, the others of the unit were left out."""

    lane: int
    recipients: tuple[int, ...]
    back: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class MarkRefused:
    """Nothing may be sent of this issue: it is paused, cancelled, or not what was approved; or the lease was lost.

    With `again` only this batch may not: what is held goes back, and is claimed anew. With `until` nothing may be marked before:
    the provider's pace is shared, and that is waited for. `ending` is how the dispatch ends else.
    """

    lane: int
    reason: str
    again: bool = False
    ending: Ending = Ending.STOPPED
    until: datetime | None = None


@dataclass(slots=True)  # one for each message: frozen, it takes four times as long to make
class Answered:
    """The provider answered, or nobody knows: one outcome for each recipient of the unit."""

    lane: int
    answer: Answer


@dataclass(frozen=True, slots=True)
class NotHandedOver:
    """What was marked did not leave, by our own doing: the provider knows nothing of it, and nothing is known of the provider."""

    lane: int


@dataclass(frozen=True, slots=True)
class Lost:
    """Who carried the unit is dead, by no fault of the provider's: nobody knows how far it came."""

    lane: int
    text: str


@dataclass(frozen=True, slots=True)
class Drain:
    """Stop: finish what is in flight and release the rest."""

    reason: str


Heard = Answered | NotHandedOver | Lost
Event = ClaimAnswered | Spared | Marked | MarkRefused | Heard | Drain
