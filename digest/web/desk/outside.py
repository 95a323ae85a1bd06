"""Outside the slots, at the desk: a special issue of a newsletter, and a correction of an issue that went out."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import Response

from digest.app import issuing, outside
from digest.app.deciding import write_down
from digest.app.editing import Wish
from digest.editors.roles import Role
from digest.errors import Refused, UsageError
from digest.issues.issue import Issue
from digest.settings import NewsletterSettings
from digest.web.desk.doors import Door, Visit
from digest.web.desk.issue import name_of

_SPECIAL = "/editor/newsletters/{newsletter}/special"
_CORRECT = "/editor/issues/{newsletter}/{number}/correct"


def doors() -> list[Door]:
    """A page with a form for each, and what the form does."""
    return [
        Door("GET", _SPECIAL, Role.EDITOR, _special_page),
        Door("POST", _SPECIAL, Role.EDITOR, _special),
        Door("GET", _CORRECT, Role.EDITOR, _correct_page),
        Door("POST", _CORRECT, Role.EDITOR, _correct),
    ]


def _special_page(visit: Visit, status: int = 200, wrong: str = "") -> Response:
    written = visit.form.text("articles")
    return visit.page("special.html", status, newsletter=_newsletter(visit), wrong=wrong, written=written)


def _special(visit: Visit) -> Response:
    newsletter = _newsletter(visit)
    named = [line.strip() for line in visit.form.text("articles").splitlines() if line.strip()]
    by_hand = visit.form.text("what") == "named"
    try:
        issue = outside.special(visit.app, newsletter, visit.who.email, Wish(pin=named), by_hand=by_hand)
    except (Refused, UsageError) as error:
        return _special_page(visit, 422, str(error))
    write_down(visit.app, visit.who.email, "drafted a special issue", issue.name, visit.network)
    return visit.go(f"/editor/issues/{issue.name}")


def _correct_page(visit: Visit, status: int = 200, wrong: str = "") -> Response:
    issue = _issue(visit)
    subject = visit.form.text("subject") or f"Correction: {issue.subject}"
    text = visit.form.text("text")
    return visit.page("correct.html", status, issue=issue, wrong=wrong, subject=subject, text=text, longest=outside.LONGEST)


def _correct(visit: Visit) -> Response:
    corrected, who = _issue(visit), visit.who.email
    try:
        issue = outside.correct(
            visit.app, corrected.name, subject=visit.form.text("subject"), text=visit.form.text("text"), actor=who
        )
    except (Refused, UsageError) as error:
        return _correct_page(visit, 422, str(error))
    write_down(visit.app, who, "drafted a correction", f"{issue.name} of {corrected.name}", visit.network)
    return visit.go(f"/editor/issues/{issue.name}")


def _newsletter(visit: Visit) -> NewsletterSettings:
    try:
        return visit.app.the_newsletter(visit.request.path_params["newsletter"])
    except UsageError:
        raise HTTPException(404) from None


def _issue(visit: Visit) -> Issue:
    try:
        return issuing.named(visit.app, name_of(visit))
    except UsageError:
        raise HTTPException(404) from None
