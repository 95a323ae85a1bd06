"""Tokens of other programs: which there are, making one, which is shown once, and ending one."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import Response

from digest.app import granting
from digest.app.granting import LONGEST_NAME, Granted
from digest.editors.roles import Role
from digest.editors.scopes import Scope
from digest.editors.tokens import MOST_DAYS, USUAL_DAYS
from digest.errors import UsageError
from digest.web.desk.doors import Door, Visit
from digest.web.desk.issue import number_in

_TOKENS = "/editor/tokens"


def doors() -> list[Door]:
    """For admins alone."""
    return [
        Door("GET", _TOKENS, Role.ADMIN, _show),
        Door("POST", _TOKENS, Role.ADMIN, _make),
        Door("POST", f"{_TOKENS}/{{number}}", Role.ADMIN, _revoke),
    ]


def _show(visit: Visit) -> Response:
    return _page(visit)


def _page(visit: Visit, status: int = 200, *, made: Granted | None = None, wrong: str = "") -> Response:
    chosen = visit.form.texts("scope") if wrong else []
    return visit.page(
        "tokens.html",
        status,
        tokens=granting.every(visit.app),
        scopes=list(Scope),
        made=made,
        wrong=wrong,
        typed=visit.form.text("name") if wrong else "",
        days=visit.form.text("days") if wrong else str(USUAL_DAYS),
        chosen=chosen,
        most_days=MOST_DAYS,
        longest=LONGEST_NAME,
    )


def _make(visit: Visit) -> Response:
    """The page itself, and no way elsewhere: the secret stands on it, and nowhere else ever."""
    days, who = number_in(visit.form.text("days")), visit.who.email
    name, scopes = visit.form.text("name"), visit.form.texts("scope")
    try:
        made = granting.grant(visit.app, name, scopes, days or 0, actor=who, owner=who, network=visit.network)
    except UsageError as error:
        return _page(visit, 422, wrong=str(error))
    return _page(visit, made=made)


def _revoke(visit: Visit) -> Response:
    number = number_in(visit.request.path_params["number"])
    try:
        granting.revoke(visit.app, number or 0, actor=visit.who.email, network=visit.network)
    except UsageError:
        raise HTTPException(404) from None
    return visit.go(_TOKENS)
