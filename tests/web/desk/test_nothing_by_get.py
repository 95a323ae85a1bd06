"""Opening pages of the desk changes nothing (promise 9), whoever opens them."""

from __future__ import annotations

import pytest

from digest.web.desk.entrance import doors
from tests.journeys.project import MONDAY, WEEK, Project
from tests.web.conftest import pages_of
from tests.web.desk.conftest import EVERYBODY
from tests.web.desk.examples import EXAMPLES, addresses, busy, set_up, signed_in
from tests.web.test_unsubscribing import everything


@pytest.mark.sqlite
def test_whatever_is_opened_at_the_desk_nothing_changes(project: Project) -> None:
    set_up(project)
    with pages_of(project, MONDAY + WEEK, **EVERYBODY) as pages:
        busy(pages)
        browsers = {one.who: signed_in(pages, one.who) for one in EXAMPLES.values()}
        asked = [(one, place) for path, one in EXAMPLES.items() if one.ends for place in addresses(pages, path, one)]
        posted = {door.path for door in doors() if door.method == "POST"} - set(EXAMPLES)
        before = everything(pages)
        for example, place in asked:
            for method in ("GET", "HEAD"):
                assert browsers[example.who].client.request(method, place).status_code == example.status, place
        for browser in browsers.values():
            for path in posted:
                assert browser.client.get(path.replace("{", "").replace("}", "")).status_code == 405
        assert everything(pages) == before
