"""An issue at the desk: what is in it and why, what may be changed, and what is decided. Each button is a change that is saved at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from digest.app import deciding, issuing
from digest.app.foretelling import foretell
from digest.app.laying_out import lay_out
from digest.app.reader_search import FoundReader, find_readers
from digest.app.revising import LONGEST, Overtaken, revise
from digest.app.taking_in import find_articles
from digest.audience.finding import subscriber_by_id
from digest.editors.roles import Role
from digest.errors import Refused, Unreachable, UsageError
from digest.issues.changing import ALTERNATIVES, Change, What
from digest.issues.issue import Issue
from digest.web.desk.doors import Door, Visit
from digest.web.desk.going_out import going_out
from digest.web.desk.looks import Look
from digest.web.forms import storable

_ISSUE = "/editor/issues/{newsletter}/{number}"
_TEXTS = ("title", "summary", "note", "subject", *ALTERNATIVES, "preheader", "url", "text", "image", "image_alt", "topic")
_LONGEST_SEARCH = 200


def doors() -> list[Door]:
    """One issue, and what may be done to it."""
    return [
        Door("GET", _ISSUE, Role.VIEWER, _show),
        Door("GET", f"{_ISSUE}/audience", Role.VIEWER, _audience),
        Door("POST", f"{_ISSUE}/change", Role.EDITOR, _change),
        Door("POST", f"{_ISSUE}/decide", Role.EDITOR, _decide),
        Door("POST", f"{_ISSUE}/test", Role.EDITOR, _test),
        Door("POST", f"{_ISSUE}/reader", Role.EDITOR, _reader),
        Door("POST", "/editor/newsletters/{newsletter}/draft", Role.EDITOR, _draft),
    ]


def name_of(visit: Visit) -> str:
    """The name of the issue that a path is about, as `weekly/12`."""
    return f"{visit.request.path_params['newsletter']}/{visit.request.path_params['number']}"


def _show(visit: Visit) -> Response:
    return _page(visit)


def _page(
    visit: Visit,
    status: int = 200,
    *,
    overtaken: Overtaken | None = None,
    wrong: str = "",
    said: str = "",
    readers: Sequence[FoundReader] = (),
) -> Response:
    try:
        found = lay_out(visit.app, name_of(visit), visit.site.counted)
    except UsageError:
        raise HTTPException(404) from None
    look, wanted = Look.of(visit.request.query_params), storable(visit.request.query_params.get("find", ""))[:_LONGEST_SEARCH]
    may_edit = found.editable and visit.who.role.may(Role.EDITOR)
    return visit.page(
        "issue.html",
        status,
        found=found,
        look=look,
        wanted=wanted,
        outside=find_articles(visit.app, found.issue.name, wanted) if may_edit and wanted.strip() else (),
        readers=readers,
        reader=_address(visit, look),
        words=number_in(visit.request.query_params.get("words", "")),
        may_edit=may_edit,
        may_decide=visit.who.role.may(Role.EDITOR),
        overtaken=overtaken,
        written=[(name, visit.form.text(name)) for name in _TEXTS if overtaken and visit.form.text(name)],
        wrong=wrong,
        said=said,
        longest=LONGEST,
        sends=visit.app.sends_for_real,
        out=going_out(visit, found.issue, ZoneInfo(found.frozen.timezone)),
    )


def _audience(visit: Visit) -> Response:
    try:
        return visit.page("audience.html", found=foretell(visit.app, name_of(visit)))
    except UsageError:
        raise HTTPException(404) from None
    except Refused as error:
        return _page(visit, 409, wrong=str(error))


def _address(visit: Visit, look: Look) -> str:
    """Of the reader whose mail is looked at, for those who may see it."""
    if not look.reader or not visit.who.role.may(Role.EDITOR):
        return ""
    with visit.app.store.reading() as connection:
        person = subscriber_by_id(connection, int(look.reader))
    return "" if person is None else person.email


def _reader(visit: Visit) -> Response:
    """To the preview as somebody who is looked for by address; it is posted, so that no address stands in one of ours."""

    def do() -> Response:
        found = find_readers(visit.app, visit.request.path_params["newsletter"], visit.form.text("email"))
        if len(found) > 1:
            return _page(visit, readers=found)
        query = urlencode(Look.of(visit.request.query_params).said(reader=str(found[0].id), case=""))
        return visit.go(f"/editor/issues/{name_of(visit)}?{query}#preview")

    return doing(visit, do)


def _change(visit: Visit) -> Response:
    def do() -> Response:
        change = _read(visit)
        who, seen = visit.who.email, revision_seen(visit)
        issue = revise(visit.app, name_of(visit), change, revision=seen, actor=who, network=visit.network)
        return back(visit, f"article-{change.article}" if change.article else change.what.value, issue)

    return doing(visit, do)


def _read(visit: Visit) -> Change:
    """The change that a button means: its `do` is a verb, and an article, a place or a revision where it needs them."""
    verb, *numbers = visit.form.text("do").split() or [""]
    if (
        verb not in list(What)
        or len(numbers) > 2
        or not all(one.isascii() and one.isdigit() and len(one) < 10 for one in numbers)
    ):
        raise UsageError("do: this is nothing that can be changed here")
    what, texts = What(verb), {name: visit.form.text(name) for name in _TEXTS if name in visit.form}
    first, second = ([int(one) for one in numbers] + [0, 0])[:2]
    if what is What.RESTORE:
        return Change(what, revision=first)
    return Change(what, article=first, place=second, texts=texts)


def _decide(visit: Visit) -> Response:
    def do() -> Response:
        verb, reason = visit.form.text("do"), visit.form.text("reason")
        seen, who = revision_seen(visit), visit.who.email
        issue = deciding.decide(visit.app, name_of(visit), verb, revision=seen, actor=who, network=visit.network, reason=reason)
        return back(visit, "deciding", issue)

    return doing(visit, do)


def _test(visit: Visit) -> Response:
    def do() -> Response:
        seen, who, email = revision_seen(visit), visit.who.email, visit.form.text("email")
        said = deciding.try_out(visit.app, name_of(visit), email, revision=seen, actor=who, network=visit.network)
        return _page(visit, said=f"The test to {email} was {said}.")

    return doing(visit, do)


def _draft(visit: Visit) -> Response:
    app, slug = visit.app, visit.request.path_params["newsletter"]
    try:
        newsletter = app.the_newsletter(slug)
    except UsageError:
        raise HTTPException(404) from None
    frequency = next(
        (one for one in newsletter.frequencies if one.value == visit.form.text("frequency")), newsletter.frequencies[0]
    )
    try:
        issue = issuing.draft(app, newsletter, frequency, issuing.coming_slot(app, newsletter, frequency), visit.who.email)
    except (Refused, UsageError) as error:
        return visit.page("refused.html", 409, wrong=str(error))
    return visit.go(f"/editor/issues/{issue.name}")


def doing(visit: Visit, do: Callable[[], Response]) -> Response:
    """What was wanted; or the page once more, with what was in the way. Nothing was changed then."""
    try:
        return do()
    except Overtaken as error:
        return _page(visit, 409, overtaken=error)
    except (Refused, Unreachable) as error:
        return _page(visit, 409, wrong=str(error))
    except UsageError as error:
        return _page(visit, 422, wrong=str(error))


def revision_seen(visit: Visit) -> int:
    """The revision that a form was made for."""
    found = number_in(visit.form.text("revision"))
    if found is None:
        raise UsageError("revision: the form does not say which one was seen")
    return found


def number_in(text: str) -> int | None:
    """The number that a text is, in plain digits; None where it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def back(visit: Visit, place: str, issue: Issue) -> Response:
    """To the page, to the place where the button was, and the preview as it was. A script is told where that is instead, and shows the
    preview before it asks for the rest."""
    query = urlencode(Look.of(visit.request.query_params).said())
    path = f"/editor/issues/{name_of(visit)}{'?' if query else ''}{query}#{place}"
    if visit.request.headers.get("accept") == "application/json":
        return JSONResponse(
            {"done": visit.site.showing.address(path), "revision": issue.revision}, headers={"Cache-Control": "no-store"}
        )
    return visit.go(path)
