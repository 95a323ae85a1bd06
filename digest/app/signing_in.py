"""Signing in: a link by mail, once; who has it and a role has a session. What anybody may ask never says who is an editor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from digest.app.wiring import App
from digest.audience.addresses import canonical_address
from digest.audience.links import page_url
from digest.audience.mac import mac
from digest.audience.tallying import count, hashed, many
from digest.audience.tokens import Purpose, make_expiring_token
from digest.delivery.letters import Kind, put
from digest.editors import audit, links, sessions
from digest.editors.links import Link
from digest.editors.roles import Role, role_of
from digest.editors.sessions import Session
from digest.errors import UsageError

LIMITS = (("editor-address", 6), ("editor-network", 30), ("editor-all", 200))
"""As many links may be asked for in an hour: for an address, from a network, by everybody."""

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Signed:
    """Who asks: their session, their role as it is configured now, and the token that their forms carry."""

    session: Session
    role: Role
    form_token: str

    @property
    def email(self) -> str:
        """Their address; it names them in histories."""
        return self.session.email


def ask(app: App, email: str, network: str | None, language: str) -> None:
    """Write to an editor; to nobody else. Whoever the address belongs to, the same rows are written: the time says nothing."""
    try:
        address = canonical_address(email)
    except UsageError:
        return
    keys = [hashed(app.key, kind, whose) for (kind, _), whose in zip(LIMITS, (address, network or "unknown", ""), strict=True)]
    with app.store.reading() as connection:  # a flood writes nothing
        if _too_often(app, connection, keys):
            return
    with app.store.writing() as connection:
        if _too_often(app, connection, keys):
            return
        for key in keys:
            count(connection, key, now=app.now)
        link = links.make(connection, address, now=app.now)
        real = datetime.now(UTC)
        put(connection, Kind.SIGN_IN, link.id, email=address, address=address, language=language, now=app.now, real=real)


def _too_often(app: App, connection: Connection, keys: list[str]) -> bool:
    since = app.now - _HOUR
    return any(many(connection, key, since=since) >= most for key, (_, most) in zip(keys, LIMITS, strict=True))


def make_link(app: App, email: str, actor: str) -> str:
    """A link for who sits at the command line: for the first time, or when mail is down. `UsageError` for who has no role."""
    address = canonical_address(email)
    if role_of(app.settings, address) is None:
        raise UsageError(f"{address} is no editor: name it in editors.emails, editors.viewers or editors.admins first")
    with app.store.writing() as connection:
        link = links.make(connection, address, now=app.now)
        audit.write_down(connection, audit.Line(app.now, actor, "made a link", address, None))
    return address_of(app, link)


def address_of(app: App, link: Link) -> str:
    """Where a link leads."""
    token = make_expiring_token(app.key, Purpose.SIGN_IN, link.id, link.ends_at)
    return page_url(app.settings.site.public_url, "editor/sign-in", token)


def look(app: App, token: str) -> str | None:
    """Whom a link would let in; None when it is over. Changes nothing."""
    number = app.which(Purpose.SIGN_IN, token)
    if number is None:
        return None
    with app.store.reading() as connection:
        link = links.find(connection, number, now=app.now)
    return None if link is None or role_of(app.settings, link.email) is None else link.email


def sign_in(app: App, token: str, before: str | None, network: str | None, browser: str) -> str | None:
    """Use a link up: the secret of a new session. The one that the browser had `before` is over. None where the link is."""
    number = app.which(Purpose.SIGN_IN, token)
    if number is None:
        return None
    with app.store.writing() as connection:
        link = links.use(connection, number, now=app.now)
        if link is None or role_of(app.settings, link.email) is None:
            return None
        return begin(app, connection, link.email, before, network, browser, "")


def begin(app: App, connection: Connection, email: str, before: str | None, network: str | None, browser: str, how: str) -> str:
    """The secret of a new session of somebody who has shown who they are. The one that the browser had `before` is over."""
    former = sessions.find(connection, before, now=app.now) if before else None
    if former is not None:
        sessions.revoke(connection, former.id, now=app.now)
    audit.write_down(connection, audit.Line(app.now, email, "signed in", how, network))
    return sessions.begin(connection, email, now=app.now, origin=network, browser=browser)


def who(app: App, secret: str, *, idle: bool = False) -> Signed | None:
    """Who has this secret; None when the session is over or they have no role any more. Looked up with every request.

    `idle` ones are made by an open page by itself: the session is not used by them, and ends as if they had not been.
    """
    with app.store.reading() as connection:
        session = sessions.find(connection, secret, now=app.now)
    role = None if session is None else role_of(app.settings, session.email)
    if session is None or role is None:
        return None
    if not idle and sessions.is_seen_long_ago(session, now=app.now):
        with app.store.writing() as connection:
            sessions.see(connection, session, now=app.now)
    return Signed(session, role, mac(app.key, b"desk form|")(session.hash.encode()).hex()[:32])


def still_in(app: App, secret: str) -> bool:
    """Whether this secret lets somebody in. To ask keeps no session alive: who only listens is idle."""
    return who(app, secret, idle=True) is not None


def those_alive(app: App, signed: Signed) -> list[Session]:
    """The sessions that somebody may see: their own, and an admin everybody's."""
    with app.store.reading() as connection:
        return sessions.those_alive(connection, now=app.now, email=None if signed.role.may(Role.ADMIN) else signed.email)


def revoke(app: App, signed: Signed, number: int, network: str | None) -> bool:
    """End a session: one's own, or, as an admin, anybody's. False where there is no such one."""
    with app.store.writing() as connection:
        mine = None if signed.role.may(Role.ADMIN) else signed.email
        whose = sessions.revoke(connection, number, now=app.now, email=mine)
        if whose is not None:
            act = "signed out" if number == signed.session.id else "ended a session"
            audit.write_down(connection, audit.Line(app.now, signed.email, act, whose, network))
    return whose is not None


def deeds(app: App) -> list[audit.Line]:
    """What was done at the desk, the newest first."""
    with app.store.reading() as connection:
        return audit.newest(connection)


def forget_old(app: App) -> None:
    """Take out what is long over."""
    with app.store.writing() as connection:
        links.forget_old(connection, now=app.now)
        sessions.forget_old(connection, now=app.now)
