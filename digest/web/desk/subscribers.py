"""Subscribers at the desk: found by address or a part of it; and one person's whole story, with why they got an issue, or why not."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import Response

from digest.app.following import Story, follow
from digest.audience.browsing import Wanted, browse_people
from digest.audience.subscription import SubscriptionState
from digest.editors.roles import Role
from digest.errors import UsageError
from digest.web.desk.doors import Door, Visit
from digest.web.desk.issue import number_in
from digest.web.desk.listing import MOST, asked, number_of, one_of, turning

_LIST = "/editor/subscribers"


def doors() -> list[Door]:
    """Everybody, and one of them."""
    return [Door("GET", _LIST, Role.EDITOR, _list), Door("GET", f"{_LIST}/{{number}}", Role.EDITOR, _show)]


def _list(visit: Visit) -> Response:
    query = asked(visit, "q", "newsletter", "state")
    query["state"] = one_of(query["state"], SubscriptionState)
    state = SubscriptionState(query["state"]) if query["state"] else None
    wanted = Wanted(query["q"], query["newsletter"], state, number_in(visit.request.query_params.get("after", "")))
    with visit.app.store.reading() as connection:
        found = browse_people(connection, wanted, MOST)
    return visit.page(
        "subscribers.html",
        found=found,
        query=query,
        newsletters=[(one.slug, one.title) for one in visit.app.settings.newsletters],
        states=[(one.value, one.value) for one in SubscriptionState],
        turning=turning(visit, _LIST, query, found.after),
    )


def _show(visit: Visit) -> Response:
    number, name = number_of(visit), asked(visit, "issue")["issue"]
    try:
        story: Story | None = follow(visit.app, number, name)
        wrong, status = "", 200
    except UsageError as error:
        story, wrong, status = follow(visit.app, number, ""), str(error), 422
    if story is None:
        raise HTTPException(404)
    return visit.page("subscriber.html", status, story=story, about=name, wrong=wrong)
