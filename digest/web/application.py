"""The application: every page of one project, as an ASGI application."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from digest import __version__
from digest.app.conducting import Outgoing
from digest.app.identifying import Vouching
from digest.app.receiving import Reception
from digest.errors import DigestError, Unreachable, UsageError
from digest.logs import logger
from digest.settings import Settings
from digest.store.database import Store
from digest.web import agreeing, archiving, confirming, health, listening, metrics, preferring, subscribing, unsubscribing
from digest.web.api import entrance as api
from digest.web.api.problems import Wrong
from digest.web.api.problems import answer as problem
from digest.web.desk import entrance, openid
from digest.web.desk.progress import Ear
from digest.web.files import Files
from digest.web.forms import storable
from digest.web.guarding import Guard, headers_for
from digest.web.showing import Showing
from digest.web.site import Site, prefix_of
from digest.web.tracing import Traced

_ROOMS = (
    listening.routes,  # first: of these there may be thousands a second
    health.routes,
    metrics.routes,
    unsubscribing.routes,
    preferring.routes,
    agreeing.routes,
    subscribing.routes,
    confirming.routes,
    archiving.routes,
    entrance.routes,
)
_log = logger("digest.web")


def _real_time() -> datetime:
    return datetime.now(UTC)


def make_application(
    settings: Settings,
    store: Store,
    clock: Callable[[], datetime] = _real_time,
    wake: Callable[[], None] = lambda: None,
    wake_events: Callable[[], None] = lambda: None,
    outgoing: Outgoing | None = None,
    over: threading.Event | None = None,
) -> FastAPI:
    """The pages of a project whose database is open; `clock` is the clock of decisions, `wake` is told of letters, `wake_events` of what
    providers report, and `outgoing` of issues that editors want to be sent; `over` is set when a newer configuration has pages of its own."""
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
        ear=Ear(outgoing.stop, over or threading.Event()),
        openid=_openid(settings),
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
    application.router.routes += api.router(
        site
    ).routes  # as they are: what there is can be counted, and has its row in the matrix
    headers = headers_for(settings.site.public_url, _pictures(settings.site.logo))
    pages = {route.path.split("/")[1] for route in application.routes if isinstance(route, Route)}
    application.add_middleware(Traced, routes=application.routes)
    application.add_middleware(Guard, public_url=settings.site.public_url, headers=headers, pages=pages)
    _answer_errors(application, site, headers)
    return application


def _openid(settings: Settings) -> Vouching | None:
    """Who vouches for editors, where that is configured; what it needs is loaded then alone."""
    if settings.editors.oidc.issuer is None:
        return None
    try:
        from digest.editors.openid.client import Client
    except ImportError:
        raise UsageError("editors.oidc needs authlib: install digest-newsletter[oidc]") from None
    return Client(settings.editors.oidc, f"{settings.site.public_url.rstrip('/')}{openid.BACK}")


def _pictures(logo: str | None) -> list[str]:
    parts = urlsplit(logo or "")
    return [f"{parts.scheme}://{parts.netloc}"] if logo else []


def _answer_errors(application: FastAPI, site: Site, headers: Mapping[str, str]) -> None:
    """Whatever goes wrong is a page with a sentence; what only we may know goes to the log."""

    def page(request: Request, status: int) -> Response:
        phrase = HTTPStatus(status).phrase
        return site.showing.page(request, "error.html", status=status, title=phrase, code=status)

    def told(request: Request, status: int, said: str) -> Response:
        """To a person by a page, to a program by a problem."""
        return problem(status, said) if request.url.path.startswith("/api/") else page(request, status)

    def of_http(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        answer = told(request, status, error.detail if isinstance(error, HTTPException) else HTTPStatus(status).phrase)
        answer.headers.update((error.headers if isinstance(error, HTTPException) else None) or {})
        return answer

    def of_ours(request: Request, error: Exception) -> Response:
        _log.error(
            "%s", error if isinstance(error, Unreachable) else type(error).__name__, action="page_failed"
        )  # others may name an address
        status = 503 if isinstance(error, Unreachable) else 500
        answer = told(request, status, HTTPStatus(status).phrase)
        if isinstance(error, Unreachable):
            answer.headers["Retry-After"] = "5"
        return answer

    def of_defects(request: Request, error: Exception) -> Response:
        answer = told(request, 500, HTTPStatus(500).phrase)
        answer.headers.update(headers)  # it is written outside of the guard
        return answer

    def of_json(request: Request, error: Exception) -> Response:
        """What is wrong and where; not what was sent, which may be nothing that can be written."""
        wrong = error.errors() if isinstance(error, RequestValidationError) else []
        said = [Wrong(where=".".join(storable(str(part)) for part in one["loc"]), what=one["msg"]) for one in wrong]
        return problem(422, "; ".join(f"{one.where}: {one.what}" for one in said[:3]) or "This cannot be read.", said)

    application.add_exception_handler(HTTPException, of_http)
    application.add_exception_handler(RequestValidationError, of_json)
    application.add_exception_handler(DigestError, of_ours)
    application.add_exception_handler(500, of_defects)
