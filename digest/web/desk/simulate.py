"""Simulating at the desk: the issues that a newsletter's rules would have made of the catalogue. Bounded, and one at a time: it is work."""

from __future__ import annotations

from datetime import timedelta
from threading import Lock
from typing import Any

from starlette.responses import Response

from digest.app.simulating import AT_THE_DESK, Replayed, day, replay
from digest.editors.roles import Role
from digest.errors import UsageError
from digest.insights.simulation import skips, totals
from digest.insights.simulation_page import NAMES, charts
from digest.web.desk.doors import Door, Visit
from digest.web.desk.listing import asked

_WEEKS = 12  # that are offered at first
_one_at_a_time = Lock()


def doors() -> list[Door]:
    """`/editor/simulate`."""
    return [Door("GET", "/editor/simulate", Role.EDITOR, _simulate)]


def _simulate(visit: Visit) -> Response:
    query = asked(visit, "newsletter", "from", "to")
    if not query["newsletter"]:
        return _page(visit, _offered(visit) | {"newsletter": ""})
    if not _one_at_a_time.acquire(blocking=False):
        return _page(visit, query, 503, wrong="Another simulation is just being made; please try again in a moment.")
    try:
        found = replay(visit.app, query["newsletter"], day("from", query["from"]), day("to", query["to"]), None, AT_THE_DESK)
    except UsageError as error:
        return _page(visit, query, 422, wrong=_plainly(str(error)))
    finally:
        _one_at_a_time.release()
    return _page(visit, query, found=found)


def _offered(visit: Visit) -> dict[str, str]:
    today = visit.app.now.date()
    return {"from": (today - timedelta(weeks=_WEEKS)).isoformat(), "to": today.isoformat()}


def _plainly(said: str) -> str:
    """The same without the options of the command line."""
    return said.replace("--from ", "").replace("--to ", "")


def _page(visit: Visit, query: dict[str, str], status: int = 200, *, wrong: str = "", found: Replayed | None = None) -> Response:
    shown: dict[str, Any] = {}
    if found is not None:
        run = found.ruled[0].simulation
        shown = {"run": run, "totals": totals(run), "skips": list(skips(run)), "charts": charts(found.ruled), "names": NAMES}
    return visit.page(
        "simulate.html",
        status,
        found=found,
        query=query,
        wrong=wrong,
        bounds=AT_THE_DESK,
        newsletters=[(one.slug, one.title) for one in visit.app.newsletters(None)],
        **shown,
    )
