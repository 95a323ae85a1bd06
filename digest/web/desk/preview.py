"""Previews: what a reader would get, by the code that sends it, shut into a frame where it can do nothing.

The page frames it without scripts and as of no origin; the answer says the same by a policy of its own, for whoever opens it without
the frame; and nothing keeps it.
"""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from digest.app import issuing, previewing
from digest.app.wiring import App
from digest.audience.finding import subscriber_by_id
from digest.delivery.gallery import preferring
from digest.editors.roles import Role
from digest.errors import Refused, UsageError
from digest.web.desk.doors import Door, Visit
from digest.web.desk.issue import name_of
from digest.web.desk.looks import Look
from digest.web.guarding import written

_POLICY = {
    "default-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'self'",
    "img-src": "https: http: data:",
    "style-src": "'unsafe-inline'",  # a mail carries its styles within
    "sandbox": "",
}


def doors() -> list[Door]:
    """The preview of an issue."""
    return [Door("GET", "/editor/issues/{newsletter}/{number}/preview", Role.VIEWER, _preview)]


def _preview(visit: Visit) -> Response:
    look, name = Look.of(visit.request.query_params), name_of(visit)
    pictures = {} if look.pictures == "on" else {"img-src": "'none'"}
    headers = {
        "Content-Security-Policy": written(_POLICY | pictures),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
    }
    try:
        shown = previewing.preview(visit.app, issuing.named(visit.app, name), _email(visit.app, look))
    except UsageError:
        raise HTTPException(404) from None
    except Refused as error:
        return PlainTextResponse(f"{error}\n", headers=headers)
    if look.part == "text":
        return PlainTextResponse(shown.text, headers=headers)
    return HTMLResponse(preferring(look.mode, shown.html), headers=headers)


def _email(app: App, look: Look) -> str | None:
    if not look.reader:
        return None
    with app.store.reading() as connection:
        person = subscriber_by_id(connection, int(look.reader))
    if person is None:
        raise HTTPException(404)
    return person.email
