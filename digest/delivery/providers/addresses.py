"""What an address must be before it is put into a request or between angle brackets."""

from __future__ import annotations

import re

_CARRIABLE = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}")


def is_carriable(address: str) -> bool:
    """Whether an address can be written as it is: ASCII, unquoted, with a domain; at most 254 characters (RFC 5321 4.5.3.1.3)."""
    return len(address) <= 254 and _CARRIABLE.fullmatch(address) is not None
