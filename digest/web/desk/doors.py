"""Doors: every way into the desk, who may go through, and the one place where that is asked.

A route of the desk is made here or not at all: what it needs is part of it, so none can be without. Nobody who is not signed in
is told which pages there are: each leads to the sign-in. Every change comes from a page of ours, which carries the session's own token.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from digest.app import App, signing_in
from digest.app.signing_in import Signed
from digest.editors.roles import Role
from digest.web.desk.cookies import secret_in
from digest.web.forms import Form, read_form
from digest.web.guarding import desk_policy, is_loopback
from digest.web.site import Site, network

SIGN_IN = "/editor/sign-in"
TOKEN = "token"  # noqa: S105  # the name of a field

_HEADERS = {"Content-Security-Policy": desk_policy(), "Referrer-Policy": "same-origin"}


@dataclass(frozen=True, slots=True)
class Visit:
    """One request at the desk: the application at its time, what was posted, and who asks (None where anybody may)."""

    site: Site
    app: App
    request: Request
    form: Form
    signed: Signed | None

    @property
    def who(self) -> Signed:
        """Who asks, behind a door that asks."""
        if self.signed is None:
            raise HTTPException(403)
        return self.signed

    @property
    def network(self) -> str | None:
        """The network that they came from."""
        return network(self.request)

    def page(self, name: str, status: int = 200, **values: Any) -> Response:
        """A page of the desk; it speaks English."""
        known = {"who": self.signed, "now": self.app.now, "Role": Role, "here": self.request.url.path}
        return self.site.showing.page(self.request, f"desk/{name}", language="en", status=status, **known | values)

    def go(self, path: str) -> Response:
        """Elsewhere, by GET: what was posted is not posted again."""
        return RedirectResponse(self.site.showing.address(path), 303)


@dataclass(frozen=True, slots=True)
class Door:
    """One method of one path. `needs` is the least role that may; None: anybody, before they have one. `idle`: pages ask by themselves."""

    method: str
    path: str
    needs: Role | None
    answer: Callable[[Visit], Response]
    idle: bool = False


def routes(site: Site, doors: Iterable[Door]) -> list[Route]:
    """A route for each door, with its guard."""
    return [Route(door.path, _guarded(site, door), methods=[door.method]) for door in doors]


def _guarded(site: Site, door: Door) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        form = await read_form(request) if door.method == "POST" else Form({})
        answer = await run_in_threadpool(_let_in, site, door, request, form)
        for name, value in _HEADERS.items():
            answer.headers.setdefault(name, value)
        return answer

    return endpoint


def _let_in(site: Site, door: Door, request: Request, form: Form) -> Response:
    app, secret = site.app(), secret_in(request)
    if door.method != "GET" and not _is_ours(site, request):
        raise HTTPException(403, "This came from another site, and nothing was changed.")
    signed = signing_in.who(app, secret, idle=door.idle) if secret else None
    visit = Visit(site, app, request, form, signed)
    if door.needs is None:
        return door.answer(visit)
    if signed is None:
        return _to_the_sign_in(visit, door)
    if not signed.role.may(door.needs):
        return visit.page("no.html", 403, needs=door.needs)
    if door.method != "GET" and not hmac.compare_digest(form.text(TOKEN).encode(), signed.form_token.encode()):
        return visit.page("stale.html", 403)
    return door.answer(visit)


def _to_the_sign_in(visit: Visit, door: Door) -> Response:
    return visit.go(SIGN_IN) if door.method == "GET" else visit.page("out.html", 403)


def _is_ours(site: Site, request: Request) -> bool:
    """Whether a page of ours posted this. Every browser says where from, in one of two ways; what says nothing is refused."""
    fetched, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if fetched is None and origin is None:
        return False
    return fetched in (None, "same-origin") and (origin is None or origin in _ours(site, request))


def _ours(site: Site, request: Request) -> set[str]:
    """Where our pages are: what the configuration says, whatever a request says of itself; and this machine, where one tries it out.

    On plain http anybody on the way writes pages in the name of our host: what those post is not ours.
    """
    here = {_origin(str(request.url))} if is_loopback(request.url.hostname or "") else set()
    return {_origin(site.settings.site.public_url)} | here


def _origin(address: str) -> str:
    """As browsers write it: in small letters, without the port that goes without saying."""
    parts = urlsplit(address.lower())
    usual = {"http": ":80", "https": ":443"}.get(parts.scheme, "")
    return f"{parts.scheme}://{parts.netloc.removesuffix(usual) if usual else parts.netloc}"
