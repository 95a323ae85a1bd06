"""Envelopes: from a marked delivery to what a provider carries, the same bytes in a dry run and in the real one.

Ids are HMACs of what a delivery is (newsletter, frequency, slot, subscriber), never of when or how it was sent.
"""

from __future__ import annotations

from functools import partial
from typing import Protocol

from digest.audience.links import preferences_url, unsubscribe_mailto, unsubscribe_url
from digest.audience.tokens import Purpose, token_maker
from digest.delivery.recipient import Recipient
from digest.delivery.sealing import id_maker, seal
from digest.rendering.content import Envelope, Personal
from digest.rendering.rendition import Rendition


class OfSlot(Protocol):
    """What of an issue its deliveries' ids are made of."""

    @property
    def newsletter(self) -> str:
        """Its newsletter's slug."""
        ...

    @property
    def frequency(self) -> str:
        """Whose it is."""
        ...

    @property
    def slot(self) -> str:
        """The local time that names it."""
        ...


class EnvelopeMaker:
    """Makes the envelopes of one issue. `key` is the project's secret key; `mailto` the address at which mails that unsubscribe are
    read, where they are. Without `seals` there are none, for where nothing comes back that would be read by them. `recipe` is what
    another one is made of by name."""

    def __init__(self, key: bytes, public_url: str, issue: OfSlot, mailto: str | None = None, *, seals: bool = True) -> None:
        self.recipe = {
            "key": key.hex(),
            "public_url": public_url,
            "newsletter": issue.newsletter,
            "frequency": issue.frequency,
            "slot": issue.slot,
            "mailto": mailto,
            "seals": seals,
        }
        self._ahead: dict[int, tuple[Recipient, Rendition, Envelope]] = {}
        self._seal = partial(seal, key) if seals else None
        self._id = id_maker(key, issue.newsletter, issue.frequency, issue.slot)
        self._leave, self._prefer = (token_maker(key, purpose) for purpose in (Purpose.UNSUBSCRIBE, Purpose.PREFERENCES))
        self._leave_by = "" if mailto is None else unsubscribe_mailto(mailto, "")
        self._leave_at, self._prefer_at = unsubscribe_url(public_url, ""), preferences_url(public_url, "")

    def make(self, recipient: Recipient, rendition: Rendition) -> Envelope:
        """One delivery's envelope for one attempt, greeted in its rendition's language."""
        known = self._ahead.pop(recipient.subscriber_id, None)
        if known is not None and known[0] is recipient and known[1] is rendition:
            return known[2]
        own_id, name = self._id(recipient.subscriber_id), recipient.name
        leave = self._leave(recipient.subscription_id)
        return Envelope(
            delivery_id=own_id,
            attempt_id=str(recipient.attempts + 1),
            subscriber_id=recipient.subscriber_id,
            address=recipient.address,
            name=name,
            personal=Personal(
                greeting=rendition.greeting.to(name),
                email=recipient.email,
                preferences_url=self._prefer_at + self._prefer(recipient.subscription_id),
                unsubscribe_url=self._leave_at + leave,
            ),
            seal="" if self._seal is None else self._seal(own_id, recipient.subscriber_id),
            unsubscribe_mailto=self._leave_by + leave if self._leave_by else "",
        )

    def make_ahead(self, recipient: Recipient, rendition: Rendition) -> Envelope:
        """The same before its turn; it is not made once more then."""
        made = self.make(recipient, rendition)
        self._ahead[recipient.subscriber_id] = (recipient, rendition, made)
        return made

    def delivery_id(self, subscriber_id: int) -> str:
        """Opaque and stable: 32 hexadecimal digits."""
        return self._id(subscriber_id)
