"""The archive: issues that were sent, as pages; a feed of each newsletter, and a map of all for search engines."""

from __future__ import annotations

from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from digest.app import App, publishing
from digest.app.publishing import Published
from digest.settings import NewsletterSettings
from digest.web.guarding import written
from digest.web.site import Site

_MAIL_POLICY = written(
    {
        "default-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "img-src": "https: http: data:",
        "style-src": "'unsafe-inline'",  # a mail carries its styles within; scripts there are none
    }
)
_FOR_A_WHILE = {"Cache-Control": "public, max-age=300"}
_IN_THE_FEED = 20
_Handler = Callable[[Request], Response]


def routes(site: Site) -> list[Route]:
    """`/archive` and what is below it, and `/sitemap.xml`."""
    return [
        Route("/archive", _newsletters(site)),
        Route("/archive/{newsletter}", _issues(site)),
        Route("/archive/{newsletter}/feed.xml", _feed(site)),
        Route("/archive/{newsletter}/{number}", _issue(site)),
        Route("/sitemap.xml", _map(site)),
    ]


def _newsletters(site: Site) -> _Handler:
    def show(request: Request) -> Response:
        found = publishing.newsletters(site.app())
        if not found:
            raise HTTPException(404)
        return _cached(site.showing.page(request, "archive.html", newsletters=found))

    return show


def _issues(site: Site) -> _Handler:
    def show(request: Request) -> Response:
        app = site.app()
        newsletter = _newsletter(app, request)
        issues = publishing.published(app, newsletter.slug)
        return _cached(site.showing.page(request, "issues.html", newsletter=newsletter, issues=issues))

    return show


def _issue(site: Site) -> _Handler:
    def show(request: Request) -> Response:
        app = site.app()
        slug, number = _newsletter(app, request).slug, request.path_params["number"]
        found = next((one for one in publishing.published(app, slug) if str(one.number) == number), None)
        page = None if found is None else publishing.read(app, found)
        if page is None:
            raise HTTPException(404)
        headers = _FOR_A_WHILE | {"Content-Security-Policy": _MAIL_POLICY, "Content-Language": page.language}
        return HTMLResponse(page.html, headers=headers)

    return show


def _feed(site: Site) -> _Handler:
    def show(request: Request) -> Response:
        app = site.app()
        newsletter = _newsletter(app, request)
        issues = publishing.published(app, newsletter.slug)[:_IN_THE_FEED]
        entries = [(one, publishing.titles(app, one)) for one in issues]
        values = {"newsletter": newsletter, "entries": entries, "updated": issues[0].at if issues else app.settings.started_at}
        return _xml(site, "feed.xml", values, "application/atom+xml; charset=utf-8")

    return show


def _map(site: Site) -> _Handler:
    def show(request: Request) -> Response:
        app = site.app()
        newsletters, issues = publishing.newsletters(app), publishing.published(app)
        return _xml(site, "sitemap.xml", {"newsletters": newsletters, "issues": issues}, "application/xml; charset=utf-8")

    return show


def _newsletter(app: App, request: Request) -> NewsletterSettings:
    slug = request.path_params["newsletter"]
    found = next((one for one in publishing.newsletters(app) if one.slug == slug), None)
    if found is None:
        raise HTTPException(404)
    return found


def _xml(site: Site, name: str, values: dict[str, object], kind: str) -> Response:
    at = site.settings.site.public_url

    def whole(one: Published) -> str:
        return f"{at}{one.path}"

    text = site.showing.render(name, site.settings.site.language, values | {"at": at, "whole": whole})
    return Response(text, media_type=kind, headers=_FOR_A_WHILE)


def _cached(answer: Response) -> Response:
    answer.headers.update(_FOR_A_WHILE | {"Vary": "Accept-Language"})
    return answer
