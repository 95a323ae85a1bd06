"""Subscribing: a form, with a small price against floods, and a page that says to look for the mail.

The same form stands bare at `/subscribe/frame`, for the sites that may frame it. It subscribes nobody by itself: whoever a page tricks into
pressing its button gets a mail, at most.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from digest.app import App, signing_up
from digest.app.allowing import price
from digest.app.signing_up import WORDING_VERSION, SignUp
from digest.audience.proving import USUAL, Price, Proof, bits_of
from digest.errors import UsageError
from digest.settings import NewsletterSettings
from digest.web.embedding import TRAP, embedding
from digest.web.forms import Form, read_form
from digest.web.guarding import framed_by
from digest.web.site import Site, evidence
from digest.web.zones import zone_options

PATH, FRAME = "/subscribe", "/subscribe/frame"


def routes(site: Site) -> list[Route]:
    """`/subscribe`, and what is below it."""
    both = [
        Route(path, make(site, path), methods=[method])
        for path in (PATH, FRAME)
        for method, make in (("GET", _showing), ("POST", _asking))
    ]
    return [*both, Route("/subscribe/embed", embedding(site, FRAME), methods=["GET"])]


@dataclass(frozen=True, slots=True)
class _Desk:
    """Where a form is shown or taken: the request, the application at its time, and whether the page stands bare."""

    site: Site
    request: Request
    app: App
    path: str

    @property
    def bare(self) -> bool:
        return self.path == FRAME

    def page(self, name: str, status: int = 200, **values: Any) -> Response:
        answer = self.site.showing.page(self.request, name, status=status, bare=self.bare, **values)
        if self.bare:
            answer.headers["Content-Security-Policy"] = framed_by(self.app.settings.pages.framed_by)
        return answer


def _desk(site: Site, request: Request, path: str) -> _Desk:
    app = site.app()
    if path == FRAME and not app.settings.pages.framed_by:
        raise HTTPException(404)
    return _Desk(site, request, app, path)


def _showing(site: Site, path: str) -> Callable[[Request], Response]:
    def show(request: Request) -> Response:
        desk = _desk(site, request, path)
        try:
            newsletter = signing_up.newsletter_of(desk.app, request.query_params.get("newsletter", ""))
        except UsageError:
            return desk.page("over.html", status=404)
        return _form(desk, newsletter, Form({}), price(desk.app))

    return show


def _asking(site: Site, path: str) -> Callable[[Request], Awaitable[Response]]:
    async def ask(request: Request) -> Response:
        return await run_in_threadpool(_ask, site, request, await read_form(request), path)

    return ask


def _ask(site: Site, request: Request, form: Form, path: str) -> Response:
    desk = _desk(site, request, path)
    try:
        newsletter = signing_up.newsletter_of(desk.app, form.text("newsletter"))
    except UsageError:
        return desk.page("over.html", status=404)
    language = site.showing.language(request)
    wanted = SignUp(
        email=form.text("email"),
        newsletter=newsletter,
        topics=None if "everything" in form or "topic" not in form else form.texts("topic"),
        frequency=form.text("frequency"),
        timezone=form.text("timezone"),
        language=language,
    )
    if form.text(TRAP):
        return _look_for_the_mail(desk, form)
    return _unread(wanted, desk, form) or _paid(desk, form, wanted)


def _unread(wanted: SignUp, desk: _Desk, form: Form) -> Response | None:
    """The form once more where something in it cannot be read; its price is not asked before."""
    try:
        signing_up.check(wanted)
    except UsageError:
        return _form(desk, wanted.newsletter, form, USUAL, said="wrong", status=422)
    return None


def _paid(desk: _Desk, form: Form, wanted: SignUp) -> Response:
    """What comes of a form that can be read: the mail, where its price was paid."""
    app, challenge, cost = desk.app, form.text("challenge"), price(desk.app)
    paid = signing_up.price_paid(app, challenge, form.text("proof"), cost)
    if paid.proof is Proof.TOO_SOON:
        return _form(desk, wanted.newsletter, form, cost, said="wait", seconds=paid.seconds)
    if paid.proof is Proof.NONE:
        return _form(desk, wanted.newsletter, form, cost, said="again", afresh=True)
    words = signing_up.wording(app, wanted.newsletter, wanted.language)
    proof = replace(evidence(desk.request), wording=words, wording_version=WORDING_VERSION)
    signing_up.ask(app, wanted, proof, challenge=challenge)
    desk.site.wake()
    return _look_for_the_mail(desk, form)


def _look_for_the_mail(desk: _Desk, form: Form) -> Response:
    return desk.page("asked.html", email=form.text("email"))


def _form(
    desk: _Desk,
    newsletter: NewsletterSettings,
    form: Form,
    cost: Price,
    *,
    said: str | None = None,
    seconds: int = 0,
    afresh: bool = False,
    status: int = 200,
) -> Response:
    app, showing = desk.app, desk.site.showing
    challenge = ("" if afresh else form.text("challenge")) or signing_up.challenge(app, cost)
    zone = form.text("timezone")
    return desk.page(
        "subscribe.html",
        status=status,
        newsletter=newsletter,
        newsletters=() if desk.bare else app.newsletters(None),
        form=form,
        said=said,
        seconds=seconds,
        challenge=challenge,
        bits=bits_of(challenge),
        trap=TRAP,
        wording=signing_up.wording(app, newsletter, showing.language(desk.request)),
        here=showing.address(desk.path),
        zones=zone_options(zone or newsletter.timezone),
        guess=not zone,
    )
