"""Deliveries at the desk: those of one issue, by state; what is unknown is resolved by a person who says what became of it."""

from __future__ import annotations

from starlette.responses import Response

from digest.app import handling, issuing
from digest.app.counting import WENT_OUT, outcomes
from digest.app.handling import LONGEST_REASON
from digest.delivery.account import count_unknown
from digest.delivery.browsing import Line, browse_deliveries
from digest.delivery.transitions import DeliveryState
from digest.editors.roles import Role
from digest.errors import Refused, UsageError
from digest.issues.issue import Issue, latest_issues
from digest.store.paging import Page
from digest.web.desk.articles import by
from digest.web.desk.doors import Door, Visit
from digest.web.desk.issue import number_in
from digest.web.desk.listing import MOST, asked, one_of, turning

_LIST = "/editor/deliveries"
_CHOICES = 20  # issues of each newsletter that are offered; any other can be named


def doors() -> list[Door]:
    """The deliveries of an issue."""
    return [Door("GET", _LIST, Role.EDITOR, _list), Door("POST", f"{_LIST}/resolve", Role.EDITOR, _resolve)]


def _list(visit: Visit) -> Response:
    return _page(visit, asked(visit, "issue", "state"))


def _page(visit: Visit, query: dict[str, str], status: int = 200, *, wrong: str = "", said: str = "") -> Response:
    query["state"] = one_of(query["state"], DeliveryState)
    issue, strange = _named(visit, query["issue"])
    app = visit.app
    with app.store.reading() as connection:
        offered = [one for each in app.newsletters(None) for one in latest_issues(connection, each.slug, WENT_OUT, _CHOICES)]
        if issue is None and not query["issue"] and offered:
            issue = max(offered, key=lambda one: one.id)
        found: Page[Line] = Page(())
        counted, unknown = None, 0
        if issue is not None:
            state = DeliveryState(query["state"]) if query["state"] else None
            after = number_in(visit.request.query_params.get("after", "")) or 0
            found = browse_deliveries(connection, issue.id, state, after, MOST)
            counted = outcomes(connection, [issue]).get(issue.id)
            unknown = count_unknown(connection, issue.id)
    query["issue"] = issue.name if issue is not None else query["issue"]
    return visit.page(
        "deliveries.html",
        status,
        issue=issue,
        found=found,
        counted=counted,
        unknown=unknown,
        offered=[one.name for one in offered],
        query=query,
        states=list(DeliveryState),
        verdicts=list(handling.VERDICTS),
        longest=LONGEST_REASON,
        turning=turning(visit, _LIST, query, found.after),
        wrong=wrong or strange,
        said=said,
        written=visit.form.text("reason") if wrong else "",
    )


def _named(visit: Visit, name: str) -> tuple[Issue | None, str]:
    """The issue that was asked for, or why there is none."""
    if not name:
        return None, ""
    try:
        return issuing.named(visit.app, name), ""
    except UsageError as error:
        return None, str(error)


def _resolve(visit: Visit) -> Response:
    name, verdict = visit.form.text("issue"), visit.form.text("verdict")
    query = {"issue": name, "state": DeliveryState.UNKNOWN.value}
    if visit.form.text("sure") != name:
        return _page(visit, query, 422, wrong=f"To be sure, type the name of the issue, {name}. Nothing was changed.")
    try:
        done = handling.resolve(visit.app, name, verdict, visit.form.text("reason"), by(visit))
    except UsageError as error:
        return _page(visit, query, 422, wrong=str(error))
    except Refused as error:
        return _page(visit, query, 409, wrong=str(error))
    state = handling.VERDICTS[verdict]
    said = f"{done:,} that {'was' if done == 1 else 'were'} unknown {'is' if done == 1 else 'are'} {state} now."
    return _page(visit, query | {"state": ""}, said=said if done else f"No delivery of {name} was unknown.")
