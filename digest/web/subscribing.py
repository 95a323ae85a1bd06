"""Subscribing: a form, with a small price against floods, and a page that says to look for the mail."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from digest.app import App, signing_up
from digest.app.signing_up import WORDING_VERSION, SignUp
from digest.audience.proving import BITS, Proof
from digest.errors import UsageError
from digest.settings import NewsletterSettings
from digest.web.forms import Form, read_form
from digest.web.site import Site, evidence

TRAP = "website"
"""A field that no person sees: whoever fills it in is none, and is told the same as everybody."""


def routes(site: Site) -> list[Route]:
    """`/subscribe`."""
    return [Route("/subscribe", _showing(site), methods=["GET"]), Route("/subscribe", _asking(site), methods=["POST"])]


def _showing(site: Site) -> Callable[[Request], Response]:
    def show(request: Request) -> Response:
        app, slug = site.app(), request.query_params.get("newsletter", "")
        try:
            newsletter = signing_up.newsletter_of(app, slug)
        except UsageError:
            return site.showing.page(request, "over.html", status=404)
        return _form(site, request, app, newsletter, Form({}))

    return show


def _asking(site: Site) -> Callable[[Request], Awaitable[Response]]:
    async def ask(request: Request) -> Response:
        return await run_in_threadpool(_ask, site, request, await read_form(request))

    return ask


def _ask(site: Site, request: Request, form: Form) -> Response:
    app = site.app()
    try:
        newsletter = signing_up.newsletter_of(app, form.text("newsletter"))
    except UsageError:
        return site.showing.page(request, "over.html", status=404)
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
        return _look_for_the_mail(site, request, form)
    wrong = _wrong(wanted)
    if wrong is not None:
        return _form(site, request, app, newsletter, form, said=wrong, status=422)
    paid = signing_up.price_paid(app, form.text("challenge"), form.text("proof"))
    if paid.proof is Proof.TOO_SOON:
        return _form(site, request, app, newsletter, form, said="wait", seconds=paid.seconds)
    if paid.proof is Proof.NONE:
        return _form(site, request, app, newsletter, form, said="again", afresh=True)
    proof = replace(evidence(request), wording=signing_up.wording(app, newsletter, language), wording_version=WORDING_VERSION)
    signing_up.ask(app, wanted, proof)
    site.wake()
    return _look_for_the_mail(site, request, form)


def _wrong(wanted: SignUp) -> str | None:
    """What the form has to be shown again for; the price is not asked before."""
    try:
        signing_up.check(wanted)
    except UsageError:
        return "wrong"
    return None


def _look_for_the_mail(site: Site, request: Request, form: Form) -> Response:
    return site.showing.page(request, "asked.html", email=form.text("email"))


def _form(
    site: Site,
    request: Request,
    app: App,
    newsletter: NewsletterSettings,
    form: Form,
    *,
    said: str | None = None,
    seconds: int = 0,
    afresh: bool = False,
    status: int = 200,
) -> Response:
    kept = "" if afresh else form.text("challenge")
    return site.showing.page(
        request,
        "subscribe.html",
        status=status,
        newsletter=newsletter,
        newsletters=app.newsletters(None),
        form=form,
        said=said,
        seconds=seconds,
        challenge=kept or signing_up.challenge(app),
        bits=BITS,
        trap=TRAP,
        wording=signing_up.wording(app, newsletter, site.showing.language(request)),
        here=site.showing.address("/subscribe"),
    )
