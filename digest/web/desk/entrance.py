"""The entrance: every door of the desk, and the routes that they make."""

from __future__ import annotations

from starlette.routing import Route

from digest.web.desk import (
    articles,
    deliveries,
    home,
    issue,
    news,
    newsletters,
    openid,
    outside,
    preview,
    sending,
    signing_in,
    simulate,
    sources,
    subscribers,
    suppressions,
    tokens,
)
from digest.web.desk import doors as doorways
from digest.web.desk.doors import Door
from digest.web.site import Site


def doors() -> list[Door]:
    """All of them."""
    decisions = (home, issue, news, preview, sending, outside, newsletters, simulate)
    lists = (articles, sources, subscribers, suppressions, deliveries)
    return [door for room in (*decisions, *lists, signing_in, openid, tokens) for door in room.doors()]


def routes(site: Site) -> list[Route]:
    """`/editor` and what is below it."""
    return doorways.routes(site, doors())
