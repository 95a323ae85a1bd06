"""Preferences: a page to choose what one gets, to rest, to move, to see what is known, and to be forgotten."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from digest.app import App, agreeing, preferring
from digest.app.preferring import TooOften, Wanted
from digest.audience.tokens import Purpose, make_token
from digest.errors import UsageError
from digest.web.forms import Form, read_form
from digest.web.site import Site, evidence
from digest.web.zones import zone_options

PATH = "/preferences/{token}"


def routes(site: Site) -> list[Route]:
    """`/preferences/{token}`."""
    return [Route(PATH, _showing(site), methods=["GET"]), Route(PATH, _changing(site), methods=["POST"])]


def _showing(site: Site) -> Callable[[Request], Response]:
    def show(request: Request) -> Response:
        return _page(site, request, said=None)

    return show


def _changing(site: Site) -> Callable[[Request], Awaitable[Response]]:
    async def change(request: Request) -> Response:
        return await run_in_threadpool(_change, site, request, await read_form(request))

    return change


def _change(site: Site, request: Request, form: Form) -> Response:
    app, token, what = site.app(), request.path_params["token"], form.text("what")
    if preferring.look(app, token) is None:
        return _page(site, request, said=None)
    unmailed = agreeing.erase_without_letter(app, token) if what == "erase" else None
    if unmailed is not None:
        return site.showing.page(request, "erase.html", said=None, here=site.showing.address(f"/erase/{unmailed}"))
    act = _ACTS.get(what)
    if act is None:
        raise HTTPException(400)
    try:
        said = act(app, request, token, form)
    except TooOften:
        return _page(site, request, said="not today", status=429)
    except UsageError:
        return _page(site, request, said=f"not {what}", status=422)
    site.wake()
    return _page(site, request, said=said)


def _save(app: App, request: Request, token: str, form: Form) -> str:
    wanted = Wanted(
        everything="everything" in form,
        topics=form.texts("topic"),
        frequency=form.text("frequency"),
        timezone=form.text("timezone"),
        language=form.text("language"),
    )
    preferring.change(app, token, wanted, evidence(request))
    return "saved"


def _pause(app: App, request: Request, token: str, form: Form) -> str:
    preferring.rest(app, token, form.text("until"), evidence(request))
    return "paused"


def _resume(app: App, request: Request, token: str, form: Form) -> str:
    preferring.go_on(app, token, evidence(request))
    return "resumed"


def _move(app: App, request: Request, token: str, form: Form) -> str:
    agreeing.ask_to_move(app, token, form.text("email"))
    return "written to both"


def _erase(app: App, request: Request, token: str, form: Form) -> str:
    agreeing.ask_to_erase(app, token)
    return "written"


def _download(app: App, request: Request, token: str, form: Form) -> str:
    agreeing.ask_to_download(app, token)
    return "written"


_ACTS: dict[str, Callable[[App, Request, str, Form], str]] = {
    "save": _save,
    "pause": _pause,
    "resume": _resume,
    "move": _move,
    "erase": _erase,
    "download": _download,
}


def _page(site: Site, request: Request, said: str | None, status: int = 200) -> Response:
    token, app = request.path_params["token"], site.app()
    found = preferring.look(app, token)
    if found is None:
        return site.showing.page(request, "over.html", status=404)
    return site.showing.page(
        request,
        "preferences.html",
        language=found.person.language,
        status=status,
        found=found,
        leave=site.showing.address(f"/unsubscribe/{make_token(app.key, Purpose.UNSUBSCRIBE, found.subscription.id)}"),
        left=preferring.is_left(found),
        said=said,
        languages=site.showing.languages,
        zones=zone_options(found.zone),
        here=site.showing.address(f"/preferences/{token}"),
        tomorrow=app.now.date().isoformat(),
    )
