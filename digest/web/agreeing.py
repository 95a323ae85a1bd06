"""Agreeing: the pages behind the links of letters. Each shows a button; only pressing it does something."""

from __future__ import annotations

from collections.abc import Callable

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from digest.app import agreeing
from digest.audience.tokens import Purpose
from digest.errors import Refused
from digest.web.site import Site, evidence

_Handler = Callable[[Request], Response]


def routes(site: Site) -> list[Route]:
    """`/move/{token}`, `/stay/{token}`, `/erase/{token}` and `/download/{token}`."""
    handlers = {
        "/move/{token}": (_move_page(site), _move(site)),
        "/stay/{token}": (_stay_page(site), _stay(site)),
        "/erase/{token}": (_erase_page(site), _erase(site)),
        "/download/{token}": (_download_page(site), _download(site)),
    }
    return [
        Route(path, handler, methods=[method])
        for path, both in handlers.items()
        for method, handler in zip(("GET", "POST"), both, strict=True)
    ]


def _purpose(site: Site, token: str) -> Purpose | None:
    """Which of the two addresses a link was sent to."""
    app = site.app()
    return next((one for one in (Purpose.MOVE_FROM, Purpose.MOVE_TO) if app.which(one, token) is not None), None)


def _move_page(site: Site) -> _Handler:
    def show(request: Request) -> Response:
        token = request.path_params["token"]
        purpose = _purpose(site, token)
        if purpose is None or not agreeing.can_move(site.app(), purpose, token):
            return site.showing.page(request, "over.html", status=404)
        return site.showing.page(request, "move.html", said=None, here=site.showing.address(f"/move/{token}"))

    return show


def _move(site: Site) -> _Handler:
    def move(request: Request) -> Response:
        token = request.path_params["token"]
        purpose = _purpose(site, token)
        said = "over" if purpose is None else agreeing.move(site.app(), purpose, token, evidence(request))
        if said == "over":
            return site.showing.page(request, "over.html", status=404)
        return site.showing.page(request, "move.html", said=said, here="")

    return move


def _stay_page(site: Site) -> _Handler:
    def show(request: Request) -> Response:
        token = request.path_params["token"]
        found = agreeing.asked_to_stay(site.app(), token)
        if found is None:
            return site.showing.page(request, "over.html", status=404)
        return site.showing.page(request, "stay.html", newsletter=found, said=False, here=site.showing.address(f"/stay/{token}"))

    return show


def _stay(site: Site) -> _Handler:
    def stay(request: Request) -> Response:
        found = agreeing.stay(site.app(), request.path_params["token"], evidence(request))
        if found is None:
            return site.showing.page(request, "over.html", status=404)
        return site.showing.page(request, "stay.html", newsletter=found, said=True, here="")

    return stay


def _erase_page(site: Site) -> _Handler:
    def show(request: Request) -> Response:
        token = request.path_params["token"]
        if not agreeing.speaks(site.app(), Purpose.ERASE, token):
            return site.showing.page(request, "over.html", status=404)
        return site.showing.page(request, "erase.html", said=None, here=site.showing.address(f"/erase/{token}"))

    return show


def _erase(site: Site) -> _Handler:
    def erase(request: Request) -> Response:
        token = request.path_params["token"]
        here = site.showing.address(f"/erase/{token}")
        try:
            agreeing.erase(site.app(), token)
        except Refused:
            return site.showing.page(request, "erase.html", said="later", here=here, status=503)
        return site.showing.page(request, "erase.html", said="done", here=here)

    return erase


def _download_page(site: Site) -> _Handler:
    def show(request: Request) -> Response:
        token = request.path_params["token"]
        if not agreeing.speaks(site.app(), Purpose.DOWNLOAD, token):
            return site.showing.page(request, "over.html", status=404)
        return site.showing.page(request, "download.html", here=site.showing.address(f"/download/{token}"))

    return show


def _download(site: Site) -> _Handler:
    def download(request: Request) -> Response:
        data = agreeing.download(site.app(), request.path_params["token"])
        if data is None:
            return site.showing.page(request, "over.html", status=404)
        headers = {"Content-Disposition": 'attachment; filename="my-data.json"'}
        return Response(orjson.dumps(data, option=orjson.OPT_INDENT_2), media_type="application/json", headers=headers)

    return download
