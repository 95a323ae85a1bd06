"""Home: what comes next, what went out, what needs a person."""

from __future__ import annotations

from starlette.responses import Response

from digest.app.overseeing import overview
from digest.editors.roles import Role
from digest.web.desk.doors import Door, Visit


def doors() -> list[Door]:
    """`/editor`."""
    return [Door("GET", "/editor", Role.VIEWER, _home)]


def _home(visit: Visit) -> Response:
    return visit.page("home.html", found=overview(visit.app))
