"""A delivery's id, and the seal that leads from the id back to its subscriber.

The id is an HMAC, so nobody can make one up, and nobody, we included, can read it. Both travel with a mail and come back
with the provider's events. The seal is the subscriber's number under a mask made of key and id: opaque to whoever has not
the key, different in every issue, and never believed before the id was derived again from what it says.
"""

from __future__ import annotations

from collections.abc import Callable

from digest.audience.mac import mac

_ID_BYTES = 16
_SEAL_BYTES = 8


def delivery_id(key: bytes, newsletter: str, frequency: str, slot: str, subscriber_id: int) -> str:
    """32 hexadecimal digits, the same for ever."""
    return id_maker(key, newsletter, frequency, slot)(subscriber_id)


def id_maker(key: bytes, newsletter: str, frequency: str, slot: str) -> Callable[[int], str]:
    """`delivery_id` for one issue, for whoever makes many."""
    authenticate = mac(key, f"delivery|{newsletter}|{frequency}|{slot}|".encode())
    return lambda subscriber_id: authenticate(b"%d" % subscriber_id)[:_ID_BYTES].hex()


def seal(key: bytes, delivery_id: str, subscriber_id: int) -> str:
    """16 hexadecimal digits."""
    return f"{subscriber_id ^ _mask(key, delivery_id):016x}"


def unseal(key: bytes, delivery_id: str, sealed: str) -> int | None:
    """The subscriber that a seal names; None when it cannot be one. Whether the id is theirs is not yet known."""
    if len(sealed) != 2 * _SEAL_BYTES or len(delivery_id) != 2 * _ID_BYTES:
        return None
    try:
        found = int(sealed, 16) ^ _mask(key, delivery_id)
    except ValueError:
        return None
    return found if 0 < found < 1 << 63 else None


def _mask(key: bytes, delivery_id: str) -> int:
    return int.from_bytes(mac(key, b"seal|")(delivery_id.encode())[:_SEAL_BYTES])
