"""Identifying: who is sent to the provider that vouches for editors, and has a session when they come back and have a role."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from digest.app.signing_in import begin
from digest.app.wiring import App
from digest.audience.addresses import canonical_address
from digest.audience.tallying import count, hashed, many
from digest.editors import audit
from digest.editors.openid.attempt import Attempt, attempt_of, set_out
from digest.editors.roles import role_of
from digest.errors import Refused, UsageError

LIMITS = (("openid-network", 30), ("openid-all", 200))
"""As many people may come back in an hour: from a network, and altogether. Each makes us ask the provider."""

OVER = "this took too long, or was begun in another browser; start again"


class Vouching(Protocol):
    """Who vouches for editors."""

    @property
    def name(self) -> str:
        """What people call it."""

    def address(self, attempt: Attempt) -> str:
        """Where somebody is sent; `Unreachable` while it is down."""

    def email(self, code: str, issuer: str, attempt: Attempt) -> str:
        """Whom a code stands for; `Refused` where that proves nothing."""


@dataclass(frozen=True, slots=True)
class Returned:
    """What somebody brings back from there."""

    code: str
    state: str
    issuer: str


def leave_for(app: App, provider: Vouching) -> tuple[str, str]:
    """Where to send somebody, and the secret that their browser keeps meanwhile. Writes nothing."""
    secret = set_out(app.now)
    attempt = attempt_of(app.key, secret, app.now)
    if attempt is None:
        raise LookupError("an attempt is over that has just begun")
    return provider.address(attempt), secret


def is_back(app: App, returned: Returned, secret: str | None) -> bool:
    """Whether what came back belongs to what this browser set out with. Changes nothing."""
    return _attempt(app, returned, secret) is not None


def sign_in(
    app: App, provider: Vouching, returned: Returned, secret: str | None, before: str | None, network: str | None, browser: str
) -> str:
    """The secret of a new session. `Refused` says why there is none, `Unreachable` that the provider is down."""
    attempt = _attempt(app, returned, secret)
    if attempt is None:
        raise Refused(OVER)
    _count(app, network)
    email = provider.email(returned.code, returned.issuer, attempt)
    try:
        address = canonical_address(email)
    except UsageError:
        raise Refused(f"{provider.name} names an address that is none") from None
    with app.store.writing() as connection:
        if role_of(app.settings, address) is None:
            about = f"by {provider.name}: has no role"
            audit.write_down(connection, audit.Line(app.now, address, "was not let in", about, network))
        else:
            return begin(app, connection, address, before, network, browser, f"by {provider.name}")
    raise Refused(f"{address} looks after no newsletter here; who runs this desk can add it to [editors]")


def _attempt(app: App, returned: Returned, secret: str | None) -> Attempt | None:
    attempt = attempt_of(app.key, secret, app.now) if secret and returned.code else None
    return attempt if attempt is not None and attempt.is_of(returned.state) else None


def _count(app: App, network: str | None) -> None:
    """One more who came back; `Refused` when it were too many."""
    since = app.now - timedelta(hours=1)
    keys = {hashed(app.key, kind, whose): most for (kind, most), whose in zip(LIMITS, (network or "unknown", ""), strict=True)}
    with app.store.writing() as connection:
        if any(many(connection, key, since=since) >= most for key, most in keys.items()):
            raise Refused("too many have tried this in the last hour; ask for a link by mail")
        for key in keys:
            count(connection, key, now=app.now)
