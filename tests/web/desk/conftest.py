"""A desk: the pages of a project with a viewer, an editor and an admin, and ways to come in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx2
import pytest
from starlette.testclient import TestClient

from digest.app.signing_in import make_link
from tests.journeys.project import Project
from tests.web.conftest import HOST, Pages, pages_of

VERA, EDDY, ADA = "vera@desk.example", "eddy@desk.example", "ada@desk.example"
EVERYBODY = {
    "DIGEST_EDITORS__VIEWERS": f'["{VERA}"]',
    "DIGEST_EDITORS__EMAILS": f'["{EDDY}"]',
    "DIGEST_EDITORS__ADMINS": f'["{ADA}"]',
}
OURS = {"Origin": HOST, "Sec-Fetch-Site": "same-origin"}


@dataclass(slots=True)
class Browser:
    """Somebody's browser at the desk: it keeps its cookies, and says with each form where that came from."""

    client: TestClient
    token: str = ""
    headers: dict[str, str] = field(default_factory=lambda: dict(OURS))

    def get(self, path: str) -> httpx2.Response:
        """Open a page."""
        return self.client.get(path)

    def post(self, path: str, **form: str) -> httpx2.Response:
        """Press a button, with the form's token."""
        return self.client.post(path, data={"token": self.token} | form, headers=self.headers)


def newcomer(pages: Pages) -> Browser:
    """A browser without a session."""
    return Browser(TestClient(pages.client.app, base_url=HOST, follow_redirects=False))


def link_for(pages: Pages, email: str) -> str:
    """The path of a link that lets somebody in."""
    return make_link(pages.app_now(), email, "test").removeprefix(HOST)


def come_in(pages: Pages, email: str, browser: Browser | None = None) -> Browser:
    """Somebody signs in."""
    browser = browser or newcomer(pages)
    answer = browser.post(link_for(pages, email))
    assert (answer.status_code, answer.headers["location"]) == (303, "/editor"), answer.text
    browser.token = token_in(browser.get("/editor/sessions").text)
    return browser


def token_in(html: str) -> str:
    """What the forms of a page carry."""
    (found,) = set(re.findall(r'name="token" value="([^"]+)"', html))
    return str(found)


@pytest.fixture
def pages(project: Project) -> Iterator[Pages]:
    with pages_of(project, **EVERYBODY) as made:
        yield made


@pytest.fixture
def drafted(project: Project) -> Iterator[Pages]:
    """A desk with a draft on it."""
    from tests.web.desk.issue import offer

    offer(project)
    with pages_of(project, **EVERYBODY) as made:
        yield made
