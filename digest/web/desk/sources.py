"""Sources at the desk: when each was read, what was wrong with it, when it is read next, and what may have been missed."""

from __future__ import annotations

from starlette.responses import Response

from digest.app.looking_after import sources
from digest.editors.roles import Role
from digest.web.desk.doors import Door, Visit


def doors() -> list[Door]:
    """`/editor/sources`."""
    return [Door("GET", "/editor/sources", Role.VIEWER, _list)]


def _list(visit: Visit) -> Response:
    return visit.page("sources.html", found=sources(visit.app))
