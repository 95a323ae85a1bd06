"""Embedding: the page where a publisher copies a form for a site of their own."""

from __future__ import annotations

from collections.abc import Callable

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from digest.app import signing_up
from digest.errors import UsageError
from digest.settings import NewsletterSettings
from digest.web.site import Site

TRAP = "website"
"""A field that no person sees: whoever fills it in is none, and is told the same as everybody."""


def embedding(site: Site, frame: str) -> Callable[[Request], Response]:
    """`/subscribe/embed`: HTML to copy, and the frame at that path where some site may have it."""

    def show(request: Request) -> Response:
        app = site.app()
        try:
            newsletter = signing_up.newsletter_of(app, request.query_params.get("newsletter", ""))
        except UsageError:
            return site.showing.page(request, "over.html", status=404)
        at, language = app.settings.site.public_url, site.showing.language(request)
        translate = site.showing.words(language).translate
        framed = bool(app.settings.pages.framed_by)
        return site.showing.page(
            request,
            "embed.html",
            newsletter=newsletter,
            newsletters=app.newsletters(None),
            here=site.showing.address("/subscribe/embed"),
            form=_form(at, newsletter, translate("Your e-mail address"), translate("Leave this empty"), translate("Subscribe")),
            frame=_frame(f"{at}{frame}", newsletter) if framed else None,
        )

    return show


def _form(at: str, newsletter: NewsletterSettings, address: str, trap: str, button: str) -> str:
    """A form that posts to ours: no script, no style, and nothing in it that anybody could be tracked by."""
    return str(
        Markup(
            '<form method="post" action="{at}/subscribe">\n'
            '  <input type="hidden" name="newsletter" value="{slug}">\n'
            '  <label>{address} <input type="email" name="email" autocomplete="email" maxlength="254" required></label>\n'
            '  <p hidden><label>{trap} <input name="{name}" tabindex="-1" autocomplete="off"></label></p>\n'
            "  <button>{button}</button>\n"
            "</form>\n"
        ).format(at=at, slug=newsletter.slug, address=address, trap=trap, name=TRAP, button=button)
    )


def _frame(address: str, newsletter: NewsletterSettings) -> str:
    return str(
        Markup(
            '<iframe src="{at}?newsletter={slug}" title="{title}" width="100%" height="900" loading="lazy"></iframe>\n'
        ).format(at=address, slug=newsletter.slug, title=newsletter.title)
    )
