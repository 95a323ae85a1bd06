"""Listing: what pages with long lists share: how many rows they have, and the addresses of their next pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

from starlette.exceptions import HTTPException

from digest.web.desk.doors import Visit
from digest.web.desk.issue import number_in
from digest.web.forms import storable

MOST = 50
"""So many rows are on a page."""

_LONGEST = 320


def asked(visit: Visit, *names: str) -> dict[str, str]:
    """What a query asks for, by name; empty where it does not say."""
    return {name: storable(visit.request.query_params.get(name, "")[:_LONGEST]).strip() for name in names}


def one_of(text: str, allowed: Iterable[str]) -> str:
    """The text where it is allowed; else as if it were not there."""
    return text if text in set(allowed) else ""


def turning(visit: Visit, path: str, query: Mapping[str, str], after: str | None) -> dict[str, str | None]:
    """What a page says of those beside it: the address of the next one, and of the first where this is another; None: there is none."""
    asked_for = {name: value for name, value in query.items() if value}
    at = visit.site.showing.address(path)
    onward = None if after is None else f"{at}?{urlencode(asked_for | {'after': after})}"
    first = None if "after" not in visit.request.query_params else f"{at}?{urlencode(asked_for)}".rstrip("?")
    return {"onward": onward, "first": first}


def number_of(visit: Visit, name: str = "number") -> int:
    """The number in a path; there is no such page where it is none."""
    found = number_in(visit.request.path_params[name])
    if found is None:
        raise HTTPException(404)
    return found
