"""The entrance: every door of the desk, and the routes that they make."""

from __future__ import annotations

from starlette.routing import Route

from digest.web.desk import doors as doorways
from digest.web.desk import home, issue, outside, preview, sending, signing_in
from digest.web.desk.doors import Door
from digest.web.site import Site


def doors() -> list[Door]:
    """All of them."""
    return [*home.doors(), *issue.doors(), *preview.doors(), *sending.doors(), *outside.doors(), *signing_in.doors()]


def routes(site: Site) -> list[Route]:
    """`/editor` and what is below it."""
    return doorways.routes(site, doors())
