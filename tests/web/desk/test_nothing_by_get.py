"""Opening pages of the desk changes nothing (promise 9), whoever opens them."""

from __future__ import annotations

import pytest

from tests.journeys.project import Project
from tests.web.conftest import pages_of
from tests.web.desk.conftest import ADA, EVERYBODY, come_in, link_for
from tests.web.desk.issue import AT, offer
from tests.web.test_unsubscribing import everything

REST = (
    "/editor/articles?q=a&topic=weekly/python&state=arrived&after=9",
    "/editor/articles/1",
    "/editor/sources",
    "/editor/settings",
    "/editor/subscribers?q=x&state=active",
    "/editor/subscribers/1?issue=weekly/1",
    "/editor/suppressions?q=x&scope=weekly",
    "/editor/deliveries?issue=weekly/1&state=unknown",
    "/editor/simulate?newsletter=weekly&from=2026-11-01&to=2026-11-30",
)


@pytest.mark.sqlite
def test_whatever_is_opened_at_the_desk_nothing_changes(project: Project) -> None:
    offer(project)
    with pages_of(project, **EVERYBODY) as pages:
        admin, link = come_in(pages, ADA), link_for(pages, ADA)
        before = everything(pages)
        looks = ("part=inbox", "part=headers", "case=thirty", "case=rtl&part=text", "mode=inverted", "find=zeta", "beside=last")
        paths = [f"{AT}/news", *(f"{AT}{page}?{look}" for look in looks for page in ("", "/preview"))]
        paths += ["/editor", "/editor/sessions", "/editor/audit", "/editor/sign-in", link, AT, f"{AT}/preview", f"{AT}/audience"]
        paths += [f"{AT}/progress", f"{AT}/correct", "/editor/newsletters/weekly/special", *REST]
        answers = [
            admin.client.request(method, path) for path in (*paths, f"{AT}/change", f"{AT}/decide") for method in ("GET", "HEAD")
        ]
        assert {answer.status_code for answer in answers} == {200, 303, 405}
        assert everything(pages) == before
