"""Cookies: the one that says who is signed in, and one for who is on the way to a provider and back. `Secure` is left off on plain http
between this machine and itself alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from digest.editors.openid.attempt import HOLDS_FOR
from digest.editors.sessions import ENDS_AFTER
from digest.web.guarding import is_loopback

_PASSED_ON = ("x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "forwarded", "via", "x-real-ip")


@dataclass(frozen=True, slots=True)
class Kind:
    """A cookie, by its name where it is secure, its name where it need not be, and how long a browser keeps it."""

    secure: str
    plain: str
    kept_for: timedelta


SESSION = Kind("__Host-digest-desk", "digest-desk", ENDS_AFTER)
TRIP = Kind("__Host-digest-openid", "digest-openid", HOLDS_FOR)
SECURE, PLAIN = SESSION.secure, SESSION.plain


def secret_in(request: Request, kind: Kind = SESSION) -> str | None:
    """What the browser has."""
    return request.cookies.get(kind.secure) or (request.cookies.get(kind.plain) if _is_plain(request) else None)


def give(request: Request, answer: Response, secret: str, kind: Kind = SESSION) -> None:
    """Let the browser have it; a script never does."""
    plain = _is_plain(request)
    answer.set_cookie(
        kind.plain if plain else kind.secure,
        secret,
        max_age=int(kind.kept_for.total_seconds()),
        path="/",
        secure=not plain,
        httponly=True,
        samesite="lax",
    )


def take_away(answer: Response, kind: Kind = SESSION) -> None:
    """Let the browser forget it."""
    answer.delete_cookie(kind.secure, path="/", secure=True, httponly=True, samesite="lax")
    answer.delete_cookie(kind.plain, path="/", httponly=True, samesite="lax")


def _is_plain(request: Request) -> bool:
    """A proxy may say a host of this machine's to us; it adds whom it asks for, and a browser that came by https says so by the origin of
    what it posts. Then the cookie without a prefix is not ours: a neighbour's page may have set it."""
    headers, local = request.headers, is_loopback((request.url.hostname or "").rstrip("."))
    passed_on = any(name in headers for name in _PASSED_ON)
    return request.url.scheme == "http" and local and not passed_on and urlsplit(headers.get("origin", "")).scheme != "https"
