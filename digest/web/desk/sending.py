"""Sending, at the desk: when an issue goes out, that it does so now, and what may be done while it does."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import Response

from digest.app import conducting, issuing, rescheduling, signing_in
from digest.app.deciding import write_down
from digest.delivery.guarding import AudienceJump
from digest.editors.roles import Role
from digest.errors import Refused, UsageError
from digest.web.desk import progress
from digest.web.desk.cookies import secret_in
from digest.web.desk.doors import Door, Visit
from digest.web.desk.issue import back, doing, name_of, number_in, revision_seen

_ISSUE = "/editor/issues/{newsletter}/{number}"


def doors() -> list[Door]:
    """Of one issue."""
    return [
        Door("POST", f"{_ISSUE}/send", Role.EDITOR, _send),
        Door("GET", f"{_ISSUE}/progress", Role.VIEWER, _progress, idle=True),
    ]


def _send(visit: Visit) -> Response:
    ways = {
        "now": _now,
        "pause": _pause,
        "resume": _resume,
        "cancel": _cancel,
        "at": _at,
        "slot": _at,
    }

    def do() -> Response:
        way = ways.get(visit.form.text("do"))
        if way is None:
            raise UsageError("do: this is nothing that can be done here")
        way(visit)
        return back(visit, "deciding", issuing.named(visit.app, name_of(visit)))

    return doing(visit, do)


def _now(visit: Visit) -> None:
    form, name = visit.form, name_of(visit)
    try:
        issue = conducting.send_now(
            visit.app,
            name,
            revision=revision_seen(visit),
            typed=form.text("name"),
            audience=number_in(form.text("audience")),
            actor=visit.who.email,
            network=visit.network,
        )
    except AudienceJump as jump:
        raise Refused(f"{jump.question} If that is right, write {jump.audience} as how many are right.") from None
    visit.site.outgoing.want(issue)


def _pause(visit: Visit) -> None:
    reason = visit.form.text("reason")
    conducting.pause(visit.app, name_of(visit), reason=reason, actor=visit.who.email, network=visit.network)


def _resume(visit: Visit) -> None:
    visit.site.outgoing.want(conducting.go_on(visit.app, name_of(visit), actor=visit.who.email, network=visit.network))


def _cancel(visit: Visit) -> None:
    typed, reason = visit.form.text("name"), visit.form.text("reason")
    name, who = name_of(visit), visit.who.email
    conducting.cancel_the_rest(visit.app, name, typed=typed, reason=reason, actor=who, network=visit.network)


def _at(visit: Visit) -> None:
    app, name, who = visit.app, name_of(visit), visit.who.email
    text = visit.form.text("at") if visit.form.text("do") == "at" else None
    at = None if text is None else rescheduling.local(app, issuing.named(app, name), text)
    rescheduling.reschedule(app, name, at, actor=who, revision=revision_seen(visit))
    write_down(app, who, "rescheduled", f"{name}: {text or 'its slot'}", visit.network)


def _progress(visit: Visit) -> Response:
    site, name, secret = visit.site, name_of(visit), secret_in(visit.request) or ""
    try:
        site.watch.look(visit.app, name)
    except UsageError:
        raise HTTPException(404) from None
    if visit.request.method == "HEAD":
        return Response(media_type="text/event-stream")
    return progress.listen(
        site.ear,
        visit.who.session.hash,
        lambda: signing_in.still_in(site.app(), secret),
        lambda: site.watch.look(site.app(), name),
    )
