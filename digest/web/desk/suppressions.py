"""Suppressions at the desk: addresses that must not be mailed, and why; a person may lift one, and says why."""

from __future__ import annotations

from starlette.responses import Response

from digest.app import handling
from digest.app.handling import LONGEST_REASON
from digest.audience.browsing import WantedSuppressions, browse_suppressions, whose
from digest.audience.suppression import COMPLAINED, EVERYTHING
from digest.editors.roles import Role
from digest.errors import Refused, UsageError
from digest.web.desk.articles import by
from digest.web.desk.doors import Door, Visit
from digest.web.desk.listing import MOST, asked, turning

_LIST = "/editor/suppressions"


def doors() -> list[Door]:
    """Who must not be mailed."""
    return [Door("GET", _LIST, Role.EDITOR, _list), Door("POST", f"{_LIST}/lift", Role.EDITOR, _lift)]


def _list(visit: Visit) -> Response:
    return _page(visit, asked(visit, "q", "scope", "reason"))


def _page(visit: Visit, query: dict[str, str], status: int = 200, *, wrong: str = "", said: str = "") -> Response:
    address, _, scope = visit.request.query_params.get("after", "").partition(" ")
    wanted = WantedSuppressions(query["q"], query["scope"], query["reason"], (address, scope))
    with visit.app.store.reading() as connection:
        found = browse_suppressions(connection, wanted, MOST)
        known = whose(connection, found)
    return visit.page(
        "suppressions.html",
        status,
        found=found,
        known=known,
        query=query,
        everything=EVERYTHING,
        complained=COMPLAINED,
        scopes=[(EVERYTHING, "everything"), *((one.slug, one.title) for one in visit.app.settings.newsletters)],
        turning=turning(visit, _LIST, query, found.after),
        longest=LONGEST_REASON,
        wrong=wrong,
        said=said,
        written={name: visit.form.text(name) for name in ("address", "scope", "reason")} if wrong else {},
    )


def _lift(visit: Visit) -> Response:
    address, scope, why = (visit.form.text(name) for name in ("address", "scope", "reason"))
    query = {"q": address, "scope": "", "reason": ""}
    try:
        done = handling.lift(visit.app, address, scope, why, by(visit), though_they_complained="complained" in visit.form)
    except UsageError as error:
        return _page(visit, query, 422, wrong=str(error))
    except Refused as error:
        return _page(visit, query, 409, wrong=_plainly(str(error)))
    owed = f" {done.owed:,} of what bounced is owed to them." if done.owed else ""
    return _page(visit, query, said=f"{address} may be mailed again.{owed}")


def _plainly(said: str) -> str:
    """The same without an option of the command line."""
    return said.replace("Add --though-they-complained if they asked", "Tick the box if they asked")
