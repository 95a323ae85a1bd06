"""Attempts: one way to a provider and back. All that has to be known again stands in a secret of the browser that set out.

What is derived from it binds the way back to that browser (state), the provider's word to this attempt (nonce), and the code to who
asked for it (PKCE, RFC 7636). So no row is written for whoever only opens a page.
"""

from __future__ import annotations

import base64
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from digest.audience.mac import mac

HOLDS_FOR = timedelta(minutes=10)
"""For so long somebody may be on the way."""

_SECRET = re.compile(r"(\d{1,12})\.[A-Za-z0-9_-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is sent along, and has to come back."""

    state: str
    nonce: str
    verifier: str

    def is_of(self, state: str) -> bool:
        """Whether what came back belongs to it."""
        return hmac.compare_digest(state.encode(), self.state.encode())


def set_out(now: datetime) -> str:
    """The secret of a new attempt, for the browser alone."""
    return f"{int((now + HOLDS_FOR).timestamp())}.{secrets.token_urlsafe(32)}"


def attempt_of(key: bytes, secret: str, now: datetime) -> Attempt | None:
    """The attempt of a secret; None when its time is over, or it is none. Whoever gives it more time has another attempt."""
    found = _SECRET.fullmatch(secret)
    if found is None or int(found[1]) <= now.timestamp():
        return None
    return Attempt(*(_derived(key, what, secret) for what in (b"state", b"nonce", b"verifier")))


def _derived(key: bytes, what: bytes, secret: str) -> str:
    return base64.urlsafe_b64encode(mac(key, b"openid " + what + b"|")(secret.encode())).rstrip(b"=").decode("ascii")
