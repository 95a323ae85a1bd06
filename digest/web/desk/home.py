"""Home: what comes next, what went out, what needs a person, and how the audience grows."""

from __future__ import annotations

from datetime import date
from typing import Any

from starlette.responses import Response

from digest.app.counting import Counted
from digest.app.overseeing import overview
from digest.editors.roles import Role
from digest.insights.audience_figures import followers
from digest.insights.graphs import level, ranked
from digest.settings import NewsletterSettings
from digest.web.desk.doors import Door, Visit
from digest.web.desk.listing import asked


def doors() -> list[Door]:
    """`/editor`."""
    return [Door("GET", "/editor", Role.VIEWER, _home)]


def _home(visit: Visit) -> Response:
    newsletters = visit.app.newsletters(None)
    wanted = asked(visit, "newsletter")["newsletter"]
    charted = next((one for one in newsletters if one.slug == wanted), newsletters[0] if newsletters else None)
    found = overview(visit.app)
    return visit.page(
        "home.html",
        found=found,
        newsletters=newsletters,
        charted=charted,
        audience=None if charted is None else _audience(charted, found.audience),
    )


def _audience(newsletter: NewsletterSettings, figures: Counted | None) -> dict[str, Any] | None:
    """What the charts of a newsletter show, and the values beneath them; None where nobody has counted yet."""
    if figures is None:
        return None
    found = figures.value.get(newsletter.slug)
    if found is None:
        return {"weeks": [], "topics": [], "states": {}, "at": figures.at}
    weeks = found["weeks"]
    topics = [(newsletter.topics[slug].title, followers(found["topics"], slug)) for slug in newsletter.offered]
    topics.sort(key=lambda one: -one[1])
    return {
        "weeks": weeks[::-1],
        "topics": topics,
        "states": found["states"],
        "at": figures.at,
        "growth": level(
            f"Subscribers of {newsletter.title}, week by week",
            [(date.fromisoformat(monday), readers) for monday, _, _, readers in weeks],
        ),
        "following": ranked(f"Subscribers of {newsletter.title} by topic", topics),
    }
