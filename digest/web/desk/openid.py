"""The door by OpenID Connect: to the provider, and back to a page whose button signs in. A GET signs nobody in, here as by a link."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from digest.app import identifying
from digest.app.identifying import Returned, Vouching
from digest.errors import Refused, Unreachable
from digest.web.desk.cookies import SESSION, TRIP, give, secret_in, take_away
from digest.web.desk.doors import Door, Visit

START, BACK = "/editor/openid", "/editor/openid/back"
_LONGEST = 2048


def doors() -> list[Door]:
    """For everybody, where a provider is configured."""
    return [
        Door("GET", START, None, _leave),
        Door("GET", BACK, None, _look),
        Door("POST", BACK, None, _sign_in),
    ]


def _provider(visit: Visit) -> Vouching:
    if visit.site.openid is None:
        raise HTTPException(404)
    return visit.site.openid


def _leave(visit: Visit) -> Response:
    try:
        address, secret = identifying.leave_for(visit.app, _provider(visit))
    except (Refused, Unreachable) as error:
        return _wrong(visit, error)
    answer = RedirectResponse(address, 303)
    give(visit.request, answer, secret, TRIP)
    return answer


def _look(visit: Visit) -> Response:
    """Whoever opens this from elsewhere, or twice, is told to start again; nobody is asked anything yet."""
    provider, query = _provider(visit), visit.request.query_params
    if "error" in query:
        return visit.page("openid.html", 403, provider=provider.name, returned=None, wrong=f"{provider.name} has let nobody in")
    returned = _returned({name: query.get(name, "") for name in ("code", "state", "iss")})
    if not identifying.is_back(visit.app, returned, secret_in(visit.request, TRIP)):
        return _wrong(visit, Refused(identifying.OVER))
    return visit.page("openid.html", provider=provider.name, returned=returned, wrong="")


def _sign_in(visit: Visit) -> Response:
    provider, request = _provider(visit), visit.request
    returned = _returned({name: visit.form.text(name) for name in ("code", "state", "iss")})
    browser, before = request.headers.get("user-agent", ""), secret_in(request, SESSION)
    try:
        secret = identifying.sign_in(visit.app, provider, returned, secret_in(request, TRIP), before, visit.network, browser)
    except (Refused, Unreachable) as error:
        return _wrong(visit, error)
    answer = visit.go("/editor")
    take_away(answer, TRIP)
    give(request, answer, secret, SESSION)
    return answer


def _wrong(visit: Visit, error: Refused | Unreachable) -> Response:
    """What was in the way; the trip is over, and a link by mail is another way in."""
    status = 503 if isinstance(error, Unreachable) else 403
    answer = visit.page("openid.html", status, provider=_provider(visit).name, returned=None, wrong=str(error))
    take_away(answer, TRIP)
    return answer


def _returned(said: dict[str, str]) -> Returned:
    code, state, issuer = (value[:_LONGEST] for value in said.values())
    return Returned(code, state, issuer)
