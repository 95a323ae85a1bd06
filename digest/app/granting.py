"""Granting: tokens for other programs. An admin at the desk makes them, or whoever sits at the command line.

One that was made at the desk holds as long as who made it is an admin; who is taken out of `[editors]` leaves no door open behind.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from digest.app.wiring import App
from digest.editors import audit, tokens
from digest.editors.roles import Role, role_of
from digest.editors.scopes import Scope
from digest.editors.tokens import MOST_DAYS, PREFIX, Token
from digest.errors import UsageError

LONGEST_NAME = 80
_LONGEST_SECRET = 200


@dataclass(frozen=True, slots=True)
class Granted:
    """A token, and the secret, which is shown this once."""

    token: Token
    secret: str


def grant(
    app: App, name: str, scopes: Collection[str], days: int, *, actor: str, owner: str | None = None, network: str | None = None
) -> Granted:
    """A new token. `UsageError` for what it cannot be."""
    name, wanted = name.strip(), _understood(scopes)
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise UsageError(f"name: say in up to {LONGEST_NAME} characters, on one line, which program the token is for")
    if not 1 <= days <= MOST_DAYS:
        raise UsageError(f"days: a token holds for 1 to {MOST_DAYS} days; make a new one then")
    with app.store.writing() as connection:
        token, secret = tokens.make(connection, name, wanted, owner=owner, made_by=actor, days=days, now=app.now)
        about = f"{token.actor}: {' '.join(sorted(token.scopes))}"
        audit.write_down(connection, audit.Line(app.now, actor, "made a token", about, network))
    return Granted(token, secret)


def revoke(app: App, number: int, *, actor: str, network: str | None = None) -> Token:
    """End a token. `UsageError` where none of that number is alive."""
    with app.store.writing() as connection:
        token = tokens.revoke(connection, number, now=app.now)
        if token is None:
            raise UsageError(f"no token {number} is alive; `digest editor token list` shows those there are")
        audit.write_down(connection, audit.Line(app.now, actor, "revoked a token", token.actor, network))
    return token


def every(app: App) -> list[tuple[Token, str]]:
    """All there ever were, the newest first, each with its state: `alive`, `revoked`, `expired`, or `its maker is no admin`."""
    with app.store.reading() as connection:
        found = tokens.every(connection)
    return [(one, _state(app, one)) for one in found]


def whose(app: App, secret: str) -> Token | None:
    """The token of a secret; None when it is nobody's, or over, or its maker is no admin any more. Looked up with every request."""
    if not secret.startswith(PREFIX) or len(secret) > _LONGEST_SECRET:
        return None
    with app.store.reading() as connection:
        token = tokens.find(connection, secret, now=app.now)
    if token is None or _state(app, token) != "alive":
        return None
    if tokens.is_used_long_ago(token, now=app.now):
        with app.store.writing() as connection:
            tokens.use(connection, token, now=app.now)
    return token


def _state(app: App, token: Token) -> str:
    state = token.state(app.now)
    if state != "alive" or token.owner is None:
        return state
    role = role_of(app.settings, token.owner)
    return state if role is not None and role.may(Role.ADMIN) else "its maker is no admin"


def _understood(scopes: Collection[str]) -> frozenset[Scope]:
    unknown = sorted(set(scopes) - set(Scope))
    if unknown or not scopes:
        wrong = f"{unknown[0]!r} is no scope" if unknown else "say what the token may do"
        raise UsageError(f"scope: {wrong}; there are {', '.join(Scope)}")
    return frozenset(Scope(one) for one in scopes)
