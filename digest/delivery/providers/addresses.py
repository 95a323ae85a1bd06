"""What an address must be before it is put into a request or between angle brackets, and how it is written with a name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from digest.rendering.content import Envelope

_CARRIABLE = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")


@lru_cache(maxsize=1024)
def is_carriable(address: str) -> bool:
    """Whether an address can be written as it is: ASCII, unquoted, with a domain; at most 254 characters (RFC 5321 4.5.3.1.3)."""
    return len(address) <= 254 and _CARRIABLE.fullmatch(address) is not None


def mailbox(name: str | None, address: str) -> str:
    """An address with its display name as APIs take it: quoted where it must be, not encoded, without control characters."""
    shown = " ".join(_CONTROL.sub(" ", name or "").split())
    if not shown:
        return address
    if _ATOMS.fullmatch(shown):
        return f"{shown} <{address}>"
    quoted = shown.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{address}>'


def apart(envelopes: Sequence[Envelope], most: int) -> list[list[int]]:
    """The places of `envelopes` in groups of at most so many in which no address stands twice, compared without case."""
    groups: list[list[int]] = []
    seen: dict[str, int] = {}
    for place, envelope in enumerate(envelopes):
        address = envelope.address.lower()
        turn = seen[address] = seen.get(address, -1) + 1
        while len(groups) <= turn:
            groups.append([])
        groups[turn].append(place)
    return [group[at : at + most] for group in groups for at in range(0, len(group), most)]
