"""A recipient: a claimed delivery with what its message needs."""

from __future__ import annotations

from typing import NamedTuple


class Recipient(NamedTuple):
    """`attempts` counts those made before this one. A tuple: of these there is one for each row that a claim reads."""

    subscriber_id: int
    subscription_id: int
    address: str
    email: str
    name: str | None
    attempts: int
