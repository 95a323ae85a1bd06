"""Where bounces come to (VERP): every delivery has an envelope sender of its own, by which what comes back is known again.

`bounces@news.example` becomes `bounces+TOKEN@news.example`. The token is the delivery's id and its seal, 48 hexadecimal digits: some
systems do not keep the case of an address, and an encoding that is shorter would cost each message as much as half of building it. The id
is an HMAC, so that nobody makes one up; who it speaks of is only believed when the id was derived again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from digest.rendering.content import Envelope

TOKEN_LENGTH = 48
LONGEST_LOCAL_PART = 64 - 1 - TOKEN_LENGTH
"""RFC 5321, 4.5.3.1.1: a local part has at most 64 octets."""

_MOST = 20
_ID_DIGITS = 32


@dataclass(frozen=True, slots=True)
class Token:
    """What a bounce address says: which delivery, by its id, and the seal that leads to its subscriber. Not believed yet."""

    delivery_id: str
    seal: str


@dataclass(frozen=True)
class BounceAddress:
    """The address that all bounce addresses are made of; its domain's mail comes back to Digest."""

    address: str

    @cached_property
    def _parts(self) -> tuple[str, str]:
        local, _, domain = self.address.rpartition("@")
        return f"{local}+", f"@{domain}"

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        before, after = self._parts
        return re.compile(
            rf"(?<![A-Za-z0-9._+-]){re.escape(before)}([0-9a-f]{{{TOKEN_LENGTH}}}){re.escape(after)}(?!\.?[a-z0-9-])", re.I
        )

    def of(self, envelope: Envelope) -> str:
        """The envelope sender of one delivery; of what is none, such as a test send, the address itself."""
        if not envelope.seal:
            return self.address
        before, after = self._parts
        return before + envelope.delivery_id + envelope.seal + after

    def find(self, text: str) -> tuple[Token, ...]:
        """The tokens of the bounce addresses that stand in a text, each once, in its order; at most twenty."""
        found = dict.fromkeys(match[1].lower() for match in self._pattern.finditer(text))
        return tuple(Token(one[:_ID_DIGITS], one[_ID_DIGITS:]) for one in islice(found, _MOST))
