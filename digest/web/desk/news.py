"""News: what somebody else has done to an issue since a page was made, and who has it open; pages ask by themselves, every few seconds."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from digest.app.issue_history import news
from digest.editors.roles import Role
from digest.errors import UsageError
from digest.web.desk.doors import Door, Visit
from digest.web.desk.issue import name_of, number_in


def doors() -> list[Door]:
    """The news of an issue. To ask is not to use the session: a page that is left open keeps nobody in."""
    return [Door("GET", "/editor/issues/{newsletter}/{number}/news", Role.VIEWER, _news, idle=True)]


def _news(visit: Visit) -> Response:
    try:
        found = news(visit.app, name_of(visit), number_in(visit.request.query_params.get("since", "")) or 0)
    except UsageError:
        raise HTTPException(404) from None
    lines = [{"who": one.actor, "did": one.did, "at": one.time} for one in found.lines]
    others = visit.site.present.others(name_of(visit), visit.who.email)
    return JSONResponse({"mark": found.mark, "lines": lines, "here": others}, headers={"Cache-Control": "no-store"})
