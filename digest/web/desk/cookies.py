"""Cookies: the one that says who is signed in. `Secure` is left off on plain http between this machine and itself alone."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from digest.editors.sessions import ENDS_AFTER
from digest.web.guarding import is_loopback

SECURE, PLAIN = "__Host-digest-desk", "digest-desk"


def secret_in(request: Request) -> str | None:
    """What the browser has."""
    return request.cookies.get(SECURE) or (request.cookies.get(PLAIN) if _is_plain(request) else None)


def give(request: Request, answer: Response, secret: str) -> None:
    """Let the browser have it; a script never does."""
    plain = _is_plain(request)
    answer.set_cookie(
        PLAIN if plain else SECURE,
        secret,
        max_age=int(ENDS_AFTER.total_seconds()),
        path="/",
        secure=not plain,
        httponly=True,
        samesite="lax",
    )


def take_away(answer: Response) -> None:
    """Let the browser forget it."""
    answer.delete_cookie(SECURE, path="/", secure=True, httponly=True, samesite="lax")
    answer.delete_cookie(PLAIN, path="/", httponly=True, samesite="lax")


def _is_plain(request: Request) -> bool:
    """A proxy may say a host of this machine's to us; a browser that came by https says so by the origin of what it posts."""
    local = is_loopback((request.url.hostname or "").rstrip("."))
    return request.url.scheme == "http" and local and urlsplit(request.headers.get("origin", "")).scheme != "https"
