"""Unsubscribing: by one click of a mail program (RFC 8058), and by the buttons of a page.

A GET shows and changes nothing. A POST without a button's name is a mail program's: it is answered with the same few bytes
whatever it said and whoever is known, and never with a redirect or a cookie.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from digest.app import leaving
from digest.audience.consent import Source
from digest.web.forms import Form, read_whatever_came
from digest.web.site import Site, evidence

_BUTTON = "what"
_ONE_CLICK = "List-Unsubscribe"


def routes(site: Site) -> list[Route]:
    """`/unsubscribe/{token}`, and `/unsubscribe/{token}/{topic}` for one topic alone."""
    found = []
    for path in ("/unsubscribe/{token}", "/unsubscribe/{token}/{topic}"):
        found += [
            Route(path, _showing(site), methods=["GET"], name="unsubscribe"),
            Route(path, _leaving(site), methods=["POST"], name="unsubscribe_post"),
        ]
    return found


def _showing(site: Site) -> Callable[[Request], Response]:
    def show(request: Request) -> Response:
        return _page(site, request, said=None)

    return show


def _leaving(site: Site) -> Callable[[Request], Awaitable[Response]]:
    async def leave(request: Request) -> Response:
        form = await read_whatever_came(request)
        if _BUTTON in form and _ONE_CLICK not in form:
            return await run_in_threadpool(_by_button, site, request, form)
        return await run_in_threadpool(_by_one_click, site, request)

    return leave


def _by_one_click(site: Site, request: Request) -> Response:
    topic = request.path_params.get("topic")
    _leave(site, request, f"topic {topic}" if topic else "newsletter", Source.ONE_CLICK)
    return PlainTextResponse("You are unsubscribed.\n")


def _by_button(site: Site, request: Request, form: Form) -> Response:
    what = form.text(_BUTTON)
    _leave(site, request, what, Source.PAGE)
    return _page(site, request, said="returned" if what == "undo" else "left")


def _leave(site: Site, request: Request, what: str, source: Source) -> None:
    app, token, proof = site.app(), request.path_params["token"], evidence(request, source)
    if what.startswith("topic "):
        leaving.leave_one_topic(app, token, what.removeprefix("topic "), proof)
    elif what == "everything":
        leaving.leave_everything(app, token, proof)
    elif what == "undo":
        leaving.return_(app, token, proof)
    else:
        leaving.leave_newsletter(app, token, proof)


def _page(site: Site, request: Request, said: str | None) -> Response:
    """The same page for a link of nobody as for one of somebody who is not known any more."""
    token = request.path_params["token"]
    leaver = leaving.look(site.app(), token)
    return site.showing.page(
        request,
        "unsubscribe.html",
        language=leaver.language if leaver else None,
        leaver=leaver,
        said=said,
        topic=request.path_params.get("topic"),
        here=site.showing.address(f"/unsubscribe/{token}"),
    )
