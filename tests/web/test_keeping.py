"""What is made once is given until it changes; and who has it already is told so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from starlette.requests import Request

from digest.app.publishing import Stamp
from digest.web.keeping import Keeper, Made
from tests.web.conftest import Pages

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def asking(**headers: str) -> Request:
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "GET", "path": "/", "headers": named})


class Kitchen:
    """Counts how often something is made."""

    def __init__(self, body: bytes = b"x" * 100) -> None:
        self.body, self.times = body, 0

    def __call__(self) -> Made:
        self.times += 1
        return Made(self.body, "text/plain", {"Cache-Control": "public"})


def test_it_is_made_once_and_again_when_its_stamp_is_another() -> None:
    keeper, kitchen = Keeper(), Kitchen()
    for stamp in (Stamp((1,), NOW), Stamp((1,), NOW), Stamp((2,), NOW), Stamp((2,), NOW)):
        answer = keeper.answer(asking(), ("a",), stamp, kitchen)
        assert answer is not None
        assert answer.body == kitchen.body
    assert kitchen.times == 2


def test_what_was_not_asked_for_for_longest_goes_when_there_is_no_room() -> None:
    keeper, kitchen = Keeper(250), Kitchen()
    for name in ("a", "b", "a", "c", "a", "b"):
        keeper.answer(asking(), (name,), Stamp((), None), kitchen)
    assert kitchen.times == 4  # a, b, c, and b once more
    large = Kitchen(b"y" * 1000)
    for _ in range(2):
        answer = keeper.answer(asking(), ("large",), Stamp((), None), large)
        assert answer is not None
        assert len(answer.body) == 1000
    assert large.times == 2


def test_of_what_is_not_there_nothing_is_kept() -> None:
    assert Keeper().answer(asking(), ("a",), Stamp((), None), lambda: None) is None


def test_who_has_it_is_told_so_and_who_has_another_is_given_it() -> None:
    keeper, kitchen, stamp = Keeper(), Kitchen(), Stamp((), NOW + timedelta(microseconds=7))
    first = keeper.answer(asking(), ("a",), stamp, kitchen)
    assert first is not None
    tag = first.headers["etag"]
    assert first.headers["last-modified"] == "Mon, 23 Nov 2026 09:00:00 GMT"
    for headers, status in (
        ({"if_none_match": tag}, 304),
        ({"if_none_match": f'"other", W/{tag}'}, 304),
        ({"if_none_match": "*"}, 304),
        ({"if_none_match": '"other"', "if_modified_since": "Mon, 23 Nov 2026 09:00:00 GMT"}, 200),
        ({"if_modified_since": "Mon, 23 Nov 2026 09:00:00 GMT"}, 304),
        ({"if_modified_since": "Mon, 23 Nov 2026 08:59:59 GMT"}, 200),
        ({"if_modified_since": "yesterday"}, 200),
        ({"if_modified_since": f"Mon, 23 Nov {'9' * 30} 09:00:00 GMT"}, 200),
        ({"if_modified_since": f"Mon, 23 Nov 2026 09:00:00 +{'9' * 30}"}, 200),
        ({"if_modified_since": "Fri, 31 Dec 9999 23:59:59 -2359"}, 304),
        ({"if_modified_since": "Mon, 23 Nov 2026 09:00:00"}, 304),
    ):
        answer = keeper.answer(asking(**headers), ("a",), stamp, kitchen)
        assert answer is not None
        assert (answer.status_code, len(answer.body) > 0) == (status, status == 200), headers
        assert answer.headers["etag"] == tag
        assert answer.headers["cache-control"] == "public"


@pytest.mark.parametrize("path", ["/archive/weekly", "/archive/weekly/feed.xml", "/sitemap.xml"])
def test_lists_are_not_sent_again_to_who_has_them(pages: Pages, path: str) -> None:
    first = pages.client.get(path)
    again = pages.client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (first.status_code, again.status_code, again.text) == (200, 304, "")
    assert again.headers["x-content-type-options"] == "nosniff"
