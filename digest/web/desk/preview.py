"""Previews: what a reader would get, by the code that sends it, shut into a frame where it can do nothing.

The page frames it without scripts and as of no origin; the answer says the same by a policy of its own, for whoever opens it without
the frame; and nothing keeps it. Editors see a reader's mail as it is; viewers see what is in it, and not whose it is.
"""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from digest.app import issuing, previewing
from digest.app.edge_cases import edge_case
from digest.app.inbox import inbox_rows
from digest.app.previewing import Seen
from digest.app.wiring import App
from digest.audience.finding import subscriber_by_id
from digest.delivery.gallery import preferring
from digest.editors.roles import Role
from digest.errors import Refused, UsageError
from digest.issues.issue import Issue, frozen_of
from digest.rendering.header_text import reading_of
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
_TURNED = (
    "<style>html{background:#fff;filter:invert(1) hue-rotate(180deg)}img{filter:invert(1) hue-rotate(180deg)}</style></head>"
)
"""Every colour turned over, and pictures back again: about what programs do that heed no dark styles of a mail's own."""


def doors() -> list[Door]:
    """The preview of an issue."""
    return [Door("GET", "/editor/issues/{newsletter}/{number}/preview", Role.VIEWER, _preview)]


def _preview(visit: Visit) -> Response:
    look = Look.of(visit.request.query_params)
    headers = _headers(look)
    try:
        issue = issuing.named(visit.app, name_of(visit))
        answer = _show(visit, issue, look, _seen(visit, issue, look))
    except UsageError:
        raise HTTPException(404) from None
    except Refused as error:
        answer = PlainTextResponse(f"{error}\n")
    answer.headers.update(headers)
    return answer


def _headers(look: Look) -> dict[str, str]:
    pictures = {} if look.pictures == "on" else {"img-src": "'none'"}
    return {
        "Content-Security-Policy": written(_POLICY | pictures),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
    }


def _seen(visit: Visit, issue: Issue, look: Look) -> Seen:
    if look.case:
        return edge_case(visit.app, issue, look.case)
    email, masked = _email(visit.app, look), not visit.who.role.may(Role.EDITOR)
    try:
        return previewing.seen(visit.app, issue, email, masked=masked)
    except Refused:
        if masked and email is not None:  # what is in the way may name them
            raise Refused(f"issue {issue.name} holds nothing for this reader") from None
        raise


def _email(app: App, look: Look) -> str | None:
    if not look.reader:
        return None
    with app.store.reading() as connection:
        person = subscriber_by_id(connection, int(look.reader))
    if person is None:
        raise HTTPException(404)
    return person.email


def _show(visit: Visit, issue: Issue, look: Look, seen: Seen) -> Response:
    match look.part:
        case "text":
            return PlainTextResponse(seen.preview.text)
        case "source":
            return PlainTextResponse(seen.preview.html)
        case "headers":
            return PlainTextResponse("".join(_lines(seen, visit.app)))
        case "inbox":
            return _inbox(visit, issue, seen)
    html = seen.preview.html
    if look.mode == "inverted":
        return HTMLResponse(preferring("light", html).replace("</head>", _TURNED, 1))
    return HTMLResponse(preferring(look.mode, html))


def _lines(seen: Seen, app: App) -> list[str]:
    """Each header as it is written, and beneath what is written in code, as it reads."""
    found = seen.headers(app.now)
    read = [(name, reading_of(value)) for name, value in found if reading_of(value) != value.replace("\n ", " ")]
    told = [f"{name}: {value}\n" for name, value in found]
    return told + ([] if not read else ["\nWhich reads:\n\n", *(f"{name}: {value}\n" for name, value in read)])


def _inbox(visit: Visit, issue: Issue, seen: Seen) -> Response:
    with visit.app.store.reading() as connection:
        content = frozen_of(connection, issue).content
    alternatives = content.alternatives if seen.rendition.language == content.language else ()
    return visit.page("inbox.html", rows=inbox_rows(seen, alternatives))
