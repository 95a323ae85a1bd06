"""The application: every page of one project, as an ASGI application."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from digest import __version__
from digest.app.conducting import Outgoing
from digest.app.receiving import Reception
from digest.errors import DigestError, Unreachable
from digest.settings import Settings
from digest.store.database import Store
from digest.web import agreeing, api, archiving, confirming, health, listening, preferring, subscribing, unsubscribing
from digest.web.desk import entrance
from digest.web.desk.progress import Ear
from digest.web.files import Files
from digest.web.forms import storable
from digest.web.guarding import Guard, headers_for
from digest.web.showing import Showing
from digest.web.site import Site, prefix_of

_ROOMS = (
    listening.routes,  # first: of these there may be thousands a second
    health.routes,
    unsubscribing.routes,
    preferring.routes,
    agreeing.routes,
    subscribing.routes,
    confirming.routes,
    archiving.routes,
    entrance.routes,
)
_log = logging.getLogger("digest.web")


def _real_time() -> datetime:
    return datetime.now(UTC)


def make_application(
    settings: Settings,
    store: Store,
    clock: Callable[[], datetime] = _real_time,
    wake: Callable[[], None] = lambda: None,
    wake_events: Callable[[], None] = lambda: None,
    outgoing: Outgoing | None = None,
) -> FastAPI:
    """The pages of a project whose database is open; `clock` is the clock of decisions, `wake` is told of letters, `wake_events` of what
    providers report, and `outgoing` of issues that editors want to be sent."""
    outgoing = outgoing or Outgoing()
    files = Files(settings.site.colour)
    site = Site(
        settings,
        store,
        clock,
        Showing(settings, files, prefix_of(settings.site.public_url)),
        wake,
        Reception(settings, store, wake_events),
        outgoing=outgoing,
        ear=Ear(outgoing.stop),
    )
    application = FastAPI(
        title="Digest",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        redirect_slashes=False,  # who posts one click is never sent elsewhere
    )
    application.router.routes += [*files.routes(), *(route for room in _ROOMS for route in room(site))]
    application.include_router(api.router(site))
    headers = headers_for(settings.site.public_url, _pictures(settings.site.logo))
    pages = {route.path.split("/")[1] for route in application.routes if isinstance(route, Route)}
    application.add_middleware(Guard, public_url=settings.site.public_url, headers=headers, pages=pages)
    _answer_errors(application, site, headers)
    return application


def _pictures(logo: str | None) -> list[str]:
    parts = urlsplit(logo or "")
    return [f"{parts.scheme}://{parts.netloc}"] if logo else []


def _answer_errors(application: FastAPI, site: Site, headers: Mapping[str, str]) -> None:
    """Whatever goes wrong is a page with a sentence; what only we may know goes to the log."""

    def page(request: Request, status: int) -> Response:
        phrase = HTTPStatus(status).phrase
        return site.showing.page(request, "error.html", status=status, title=phrase, code=status)

    def of_http(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        if request.url.path.startswith("/api/"):
            said = error.detail if isinstance(error, HTTPException) else HTTPStatus(status).phrase
            answer: Response = JSONResponse({"detail": said}, status)
        else:
            answer = page(request, status)
        answer.headers.update((error.headers if isinstance(error, HTTPException) else None) or {})
        return answer

    def of_ours(request: Request, error: Exception) -> Response:
        _log.error("%s", error if isinstance(error, Unreachable) else type(error).__name__)  # others may name an address
        answer = page(request, 503 if isinstance(error, Unreachable) else 500)
        if isinstance(error, Unreachable):
            answer.headers["Retry-After"] = "5"
        return answer

    def of_defects(request: Request, error: Exception) -> Response:
        answer = page(request, 500)
        answer.headers.update(headers)  # it is written outside of the guard
        return answer

    def of_json(request: Request, error: Exception) -> Response:
        """What is wrong and where; not what was sent, which may be nothing that can be written."""
        wrong = error.errors() if isinstance(error, RequestValidationError) else []
        said = [{"type": one["type"], "loc": [_writable(part) for part in one["loc"]], "msg": one["msg"]} for one in wrong]
        return JSONResponse({"detail": said}, 422)

    application.add_exception_handler(HTTPException, of_http)
    application.add_exception_handler(RequestValidationError, of_json)
    application.add_exception_handler(DigestError, of_ours)
    application.add_exception_handler(500, of_defects)


def _writable(part: int | str) -> int | str:
    return storable(part) if isinstance(part, str) else part
