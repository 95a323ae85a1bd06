"""Envelopes: from a marked delivery to what a provider carries, the same bytes in a dry run and in the real one.

Ids are HMACs of what a delivery is (newsletter, frequency, slot, subscriber), never of when or how it was sent.
"""

from __future__ import annotations

from dataclasses import dataclass

from digest.audience.links import preferences_url, unsubscribe_url
from digest.audience.tokens import Purpose, make_token
from digest.delivery.ledger import Recipient
from digest.delivery.sealing import delivery_id, seal
from digest.issues.issue import Issue
from digest.rendering.content import Envelope, Personal


@dataclass(frozen=True, slots=True)
class EnvelopeMaker:
    """Makes the envelopes of one issue. `key` is the project's secret key."""

    key: bytes
    public_url: str
    issue: Issue

    def make(self, recipient: Recipient) -> Envelope:
        """One delivery's envelope for one attempt."""
        own_id = self.delivery_id(recipient.subscriber_id)
        return Envelope(
            delivery_id=own_id,
            attempt_id=str(recipient.attempts + 1),
            subscriber_id=recipient.subscriber_id,
            address=recipient.address,
            name=recipient.name,
            personal=self._personal(recipient),
            seal=seal(self.key, own_id, recipient.subscriber_id),
        )

    def delivery_id(self, subscriber_id: int) -> str:
        """Opaque and stable: 32 hexadecimal digits."""
        issue = self.issue
        return delivery_id(self.key, issue.newsletter, issue.frequency, issue.slot, subscriber_id)

    def _personal(self, recipient: Recipient) -> Personal:
        leave = make_token(self.key, Purpose.UNSUBSCRIBE, recipient.subscription_id)
        prefer = make_token(self.key, Purpose.PREFERENCES, recipient.subscription_id)
        return Personal(
            greeting=f"Hello {recipient.name}," if recipient.name else "Hello,",
            email=recipient.email,
            preferences_url=preferences_url(self.public_url, prefer),
            unsubscribe_url=unsubscribe_url(self.public_url, leave),
        )
