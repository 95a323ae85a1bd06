"""Confirming: the page behind the link of a confirmation. It shows a button; only pressing it subscribes."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from digest.app import confirming
from digest.app.confirming import Waiting
from digest.web.site import Site, evidence

PATH = "/confirm/{token}"


def routes(site: Site) -> list[Route]:
    """`/confirm/{token}`."""
    return [Route(PATH, _showing(site), methods=["GET"]), Route(PATH, _confirming(site), methods=["POST"])]


def _showing(site: Site) -> Callable[[Request], Response]:
    def show(request: Request) -> Response:
        return _page(site, request, confirming.look(site.app(), request.path_params["token"]))

    return show


def _confirming(site: Site) -> Callable[[Request], Response]:
    def confirm(request: Request) -> Response:
        found = confirming.confirm(site.app(), request.path_params["token"], evidence(request))
        site.wake()  # a welcome may wait
        return _page(site, request, found)

    return confirm


def _page(site: Site, request: Request, found: Waiting | None) -> Response:
    if found is None:
        return site.showing.page(request, "over.html", status=404)
    here = site.showing.address(f"/confirm/{request.path_params['token']}")
    return site.showing.page(request, "confirm.html", language=found.language, found=found, here=here)
