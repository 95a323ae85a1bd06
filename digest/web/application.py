"""The application: every page of one project, as an ASGI application."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from digest import __version__
from digest.errors import DigestError, Unreachable
from digest.settings import Settings
from digest.store.database import Store
from digest.web import agreeing, api, archiving, confirming, health, preferring, subscribing, unsubscribing
from digest.web.files import Files
from digest.web.guarding import Guard
from digest.web.showing import Showing
from digest.web.site import Site, prefix_of

_ROOMS = (
    health.routes,
    unsubscribing.routes,
    preferring.routes,
    agreeing.routes,
    subscribing.routes,
    confirming.routes,
    archiving.routes,
)
_log = logging.getLogger("digest.web")


def _real_time() -> datetime:
    return datetime.now(UTC)


def make_application(
    settings: Settings, store: Store, clock: Callable[[], datetime] = _real_time, wake: Callable[[], None] = lambda: None
) -> FastAPI:
    """The pages of a project whose database is open; `clock` is the clock of decisions, `wake` is told of letters."""
    files = Files(settings.site.colour)
    site = Site(settings, store, clock, Showing(settings, files, prefix_of(settings.site.public_url)), wake)
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
    application.add_middleware(Guard, public_url=settings.site.public_url, pictures=_pictures(settings.site.logo))
    _answer_errors(application, site)
    return application


def _pictures(logo: str | None) -> list[str]:
    parts = urlsplit(logo or "")
    return [f"{parts.scheme}://{parts.netloc}"] if logo else []


def _answer_errors(application: FastAPI, site: Site) -> None:
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
        return page(request, 503 if isinstance(error, Unreachable) else 500)

    application.add_exception_handler(HTTPException, of_http)
    application.add_exception_handler(DigestError, of_ours)
    application.add_exception_handler(500, lambda request, _: page(request, 500))
