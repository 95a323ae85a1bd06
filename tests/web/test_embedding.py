"""A form on a publisher's own site: HTML to copy, and a frame where that is allowed."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

import pytest

from digest.app.carrying import send_letters
from digest.audience.subscription import SubscriptionState
from digest.errors import UsageError
from tests.journeys.project import Project
from tests.web.conftest import HOST, Pages, pages_of
from tests.web.test_subscribing import EVE, confirm_link, solve

SHOP = "https://www.backend.example"


class Fields(HTMLParser):
    """The form in a piece of HTML: where it posts, and its fields."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.action, self.fields, self.tags = "", dict[str, str](), set[str]()
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self.tags.add(tag)
        if tag == "form":
            self.action = found["action"] or ""
        if tag == "input":
            self.fields[found["name"] or ""] = found.get("value") or ""


def snippet(pages: Pages, name: str = "form") -> str:
    shown = pages.client.get("/subscribe/embed").text
    (found,) = re.findall(rf'<textarea id="{name}"[^>]*>(.*?)</textarea>', shown, re.DOTALL)
    return unescape(found)


def test_the_copied_form_leads_without_a_script_to_ours_and_from_there_to_a_subscription(pages: Pages) -> None:
    form = Fields(snippet(pages))
    assert form.action == f"{HOST}/subscribe"
    assert form.fields == {"newsletter": "weekly", "email": "", "website": ""}
    assert form.tags == {"form", "input", "label", "p", "button"}  # no script, no style, nothing that is loaded
    elsewhere = {"Origin": SHOP, "Referer": f"{SHOP}/", "Sec-Fetch-Site": "cross-site"}
    shown = pages.client.post(form.action, data=form.fields | {"email": EVE}, headers=elsewhere)
    assert "One more step" in shown.text
    ours = Fields(shown.text)
    assert ours.fields["email"] == EVE
    assert send_letters(pages.app) == 0  # from elsewhere alone nobody is written to
    challenge = ours.fields["challenge"]
    sent = pages.client.post("/subscribe", data=ours.fields | {"proof": solve(challenge), "everything": "yes", "timezone": "UTC"})
    assert "a mail is on its way" in sent.text
    pages.client.post(confirm_link(pages))
    assert pages.subscription(EVE).state is SubscriptionState.ACTIVE


def test_a_robot_that_fills_in_every_field_of_the_copied_form_is_told_the_same_and_nothing_is_kept(pages: Pages) -> None:
    form = Fields(snippet(pages))
    shown = pages.client.post(form.action, data=form.fields | {"email": EVE, "website": "https://spam.example"})
    assert "a mail is on its way" in shown.text
    assert send_letters(pages.app) == 0


def test_nobody_may_frame_a_page_unless_it_is_configured_and_then_the_bare_form_alone(project: Project) -> None:
    with pages_of(project) as pages:
        assert pages.client.get("/subscribe/frame").status_code == pages.client.post("/subscribe/frame").status_code == 404
        assert "iframe" not in pages.client.get("/subscribe/embed").text
    with pages_of(project, DIGEST_PAGES__FRAMED_BY=f'["{SHOP}", "http://localhost:3000"]') as pages:
        assert snippet(pages, "frame").startswith(
            f'<iframe src="{HOST}/subscribe/frame?newsletter=weekly" title="Backend Weekly"'
        )
        framed = pages.client.get("/subscribe/frame?newsletter=weekly")
        policy = dict(part.split(" ", 1) for part in framed.headers["content-security-policy"].split("; "))
        assert policy["frame-ancestors"] == f"{SHOP} http://localhost:3000"
        assert policy["default-src"] == "'none'"
        assert policy["form-action"] == policy["script-src"] == "'self'"
        assert "x-frame-options" not in framed.headers
        assert framed.headers["x-content-type-options"] == "nosniff"
        assert "<header" not in framed.text
        assert Fields(framed.text).action == "/subscribe/frame"
        for path in ("/subscribe", "/subscribe/embed", "/archive", f"/unsubscribe/{pages.token('ann@x.example')}"):
            other = pages.client.get(path)
            assert "frame-ancestors 'none'" in other.headers["content-security-policy"]
            assert other.headers["x-frame-options"] == "DENY"


def test_within_the_frame_one_signs_up_by_the_same_rules(project: Project) -> None:
    with pages_of(project, DIGEST_PAGES__FRAMED_BY=f'["{SHOP}"]') as pages:
        form = Fields(pages.client.get("/subscribe/frame").text)
        assert "Please wait" in pages.client.post(form.action, data=form.fields | {"email": EVE}).text
        sent = pages.client.post(form.action, data=form.fields | {"email": EVE, "proof": solve(form.fields["challenge"])})
        assert "a mail is on its way" in sent.text
        assert "<header" not in sent.text
        assert f"frame-ancestors {SHOP}" in sent.headers["content-security-policy"]
        pages.client.post(confirm_link(pages))
        assert pages.subscription(EVE).state is SubscriptionState.ACTIVE


def test_there_is_no_form_for_a_newsletter_that_is_not_there(pages: Pages) -> None:
    assert pages.client.get("/subscribe/embed?newsletter=nope").status_code == 404


@pytest.mark.parametrize(
    "site", ["*", "https://*.example", "https://a.example/path", "a.example", "https://a.example;", "'self'", ""]
)
def test_what_is_no_site_may_not_stand_in_the_policy(project: Project, site: str) -> None:
    with (
        pytest.raises(UsageError, match=r"pages\.framed_by"),
        pages_of(project, DIGEST_PAGES__FRAMED_BY=f'["{site}"]'),
    ):
        pass
