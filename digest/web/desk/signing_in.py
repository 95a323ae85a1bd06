"""Signing in and out: a form that asks for a link, the page behind the link, whose button signs in, and who is signed in."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import Response

from digest.app import signing_in
from digest.editors.roles import Role
from digest.web.desk.cookies import give, secret_in, take_away
from digest.web.desk.doors import SIGN_IN, Door, Visit
from digest.web.desk.issue import number_in


def doors() -> list[Door]:
    """The sign-in, which is for everybody, and what goes with it."""
    return [
        Door("GET", SIGN_IN, None, _form),
        Door("POST", SIGN_IN, None, _ask),
        Door("GET", f"{SIGN_IN}/{{token}}", None, _look),
        Door("POST", f"{SIGN_IN}/{{token}}", None, _sign_in),
        Door("POST", "/editor/sign-out", Role.VIEWER, _sign_out),
        Door("GET", "/editor/sessions", Role.VIEWER, _sessions),
        Door("POST", "/editor/sessions/{number}", Role.VIEWER, _revoke),
        Door("GET", "/editor/audit", Role.ADMIN, _audit),
    ]


def _form(visit: Visit) -> Response:
    if visit.signed is not None:
        return visit.go("/editor")
    openid = None if visit.site.openid is None else visit.site.openid.name
    return visit.page("sign-in.html", out="out" in visit.request.query_params, openid=openid)


def _ask(visit: Visit) -> Response:
    """The same answer to everybody."""
    language = visit.site.showing.language(visit.request)
    signing_in.ask(visit.app, visit.form.text("email"), visit.network, language)
    visit.site.wake()
    return visit.page("asked.html")


def _look(visit: Visit) -> Response:
    email = signing_in.look(visit.app, visit.request.path_params["token"])
    return visit.page("over.html", 404) if email is None else visit.page("enter.html", email=email)


def _sign_in(visit: Visit) -> Response:
    before, browser = secret_in(visit.request), visit.request.headers.get("user-agent", "")
    secret = signing_in.sign_in(visit.app, visit.request.path_params["token"], before, visit.network, browser)
    if secret is None:
        return visit.page("over.html", 404)
    answer = visit.go("/editor")
    give(visit.request, answer, secret)
    return answer


def _sign_out(visit: Visit) -> Response:
    signing_in.revoke(visit.app, visit.who, visit.who.session.id, visit.network)
    answer = visit.go(f"{SIGN_IN}?out")
    take_away(answer)
    return answer


def _sessions(visit: Visit) -> Response:
    return visit.page("sessions.html", sessions=signing_in.those_alive(visit.app, visit.who))


def _revoke(visit: Visit) -> Response:
    number = number_in(visit.request.path_params["number"])
    if number is None or not signing_in.revoke(visit.app, visit.who, number, visit.network):
        raise HTTPException(404)
    return visit.go("/editor/sessions")


def _audit(visit: Visit) -> Response:
    return visit.page("audit.html", lines=signing_in.deeds(visit.app))
