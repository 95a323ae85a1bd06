"""The archive: issues that were sent, as pages; a feed of each newsletter, and a map of all for search engines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from digest.app import publishing
from digest.app.publishing import Published
from digest.settings import NewsletterSettings
from digest.web.guarding import written
from digest.web.keeping import Keeper, Made
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
_HTML = "text/html; charset=utf-8"
_Handler = Callable[[Request], Response]


def routes(site: Site) -> list[Route]:
    """`/archive` and what is below it, and `/sitemap.xml`."""
    lists, keeper = Keeper(2 * 1024 * 1024), Keeper()  # apart: of lists there is one for whatever language a browser names
    return [
        Route("/archive", _newsletters(site)),
        Route("/archive/{newsletter}", _issues(site, lists)),
        Route("/archive/{newsletter}/feed.xml", _feed(site, keeper)),
        Route("/archive/{newsletter}/{number}", _issue(site, keeper)),
        Route("/sitemap.xml", _map(site, keeper)),
    ]


def _newsletters(site: Site) -> _Handler:
    def show(request: Request) -> Response:
        found = publishing.newsletters(site.app())
        if not found:
            raise HTTPException(404)
        answer = site.showing.page(request, "archive.html", newsletters=found)
        answer.headers.update(_FOR_A_WHILE | {"Vary": "Accept-Language"})
        return answer

    return show


def _issues(site: Site, keeper: Keeper) -> _Handler:
    def show(request: Request) -> Response:
        app, newsletter = site.app(), _newsletter(site, request)
        language = site.showing.language(request)

        def make() -> Made:
            values = {"newsletter": newsletter, "issues": publishing.published(app, newsletter.slug)}
            html = site.showing.render("issues.html", language, values)
            return Made(html.encode(), _HTML, _FOR_A_WHILE | {"Vary": "Accept-Language", "Content-Language": language})

        stamp = publishing.stamp_of_list(app, newsletter.slug)
        return _found(keeper.answer(request, ("issues", newsletter.slug, language), stamp, make))

    return show


def _issue(site: Site, keeper: Keeper) -> _Handler:
    def show(request: Request) -> Response:
        app, number = site.app(), request.path_params["number"]
        one = publishing.find(app, _newsletter(site, request).slug, number)
        if one is None:
            raise HTTPException(404)

        def make() -> Made | None:
            page = publishing.read(app, one)
            if page is None:
                return None
            headers = _FOR_A_WHILE | {"Content-Security-Policy": _MAIL_POLICY, "Content-Language": page.language}
            return Made(page.html.encode(), _HTML, headers)

        return _found(keeper.answer(request, ("issue", one.newsletter, number), publishing.stamp_of_issue(app, one), make))

    return show


def _feed(site: Site, keeper: Keeper) -> _Handler:
    def show(request: Request) -> Response:
        app, newsletter = site.app(), _newsletter(site, request)

        def make() -> Made:
            issues = publishing.published(app, newsletter.slug)[: publishing.IN_THE_FEED]
            entries = [(one, publishing.titles(app, one)) for one in issues]
            updated = issues[0].at if issues else app.settings.started_at
            values = {"newsletter": newsletter, "entries": entries, "updated": updated}
            return _xml(site, "feed.xml", values, "application/atom+xml; charset=utf-8")

        return _found(keeper.answer(request, ("feed", newsletter.slug), publishing.stamp_of_feed(app, newsletter.slug), make))

    return show


def _map(site: Site, keeper: Keeper) -> _Handler:
    def show(request: Request) -> Response:
        app = site.app()

        def make() -> Made:
            values: dict[str, Any] = {"newsletters": publishing.newsletters(app), "issues": publishing.published(app)}
            return _xml(site, "sitemap.xml", values, "application/xml; charset=utf-8")

        return _found(keeper.answer(request, ("map",), publishing.stamp_of_list(app), make))

    return show


def _newsletter(site: Site, request: Request) -> NewsletterSettings:
    slug = request.path_params["newsletter"]
    found = next((one for one in publishing.newsletters(site.app()) if one.slug == slug), None)
    if found is None:
        raise HTTPException(404)
    return found


def _found(answer: Response | None) -> Response:
    if answer is None:
        raise HTTPException(404)
    return answer


def _xml(site: Site, name: str, values: dict[str, Any], kind: str) -> Made:
    at = site.settings.site.public_url

    def whole(one: Published) -> str:
        return f"{at}{one.path}"

    text = site.showing.render(name, site.settings.site.language, values | {"at": at, "whole": whole})
    return Made(text.encode(), kind, _FOR_A_WHILE)
