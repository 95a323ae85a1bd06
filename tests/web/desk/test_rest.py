"""The rest of the desk: articles, sources, people, suppressions, deliveries, settings, simulating. What is done there is written down."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import func, insert, select, update

from digest.audience.suppression import suppress
from digest.catalogue import browsing as catalogue
from digest.delivery import browsing as ledger
from digest.store import tables
from digest.web.desk import listing
from tests.journeys.project import MONDAY, WEEK, Project, article
from tests.web.conftest import Pages, pages_of
from tests.web.desk.conftest import ADA, EDDY, EVERYBODY, VERA, Browser, come_in
from tests.web.desk.issue import wrong_in


@pytest.fixture
def pages(project: Project) -> Iterator[Pages]:
    """Two issues went out."""
    project.offer(
        *(article(key, title=f"Über {key}", author=f"Writer-{key}") for key in "abc"), article("d", tags=("databases",))
    )
    project.run(MONDAY)
    project.offer(article("e", title="Epsilon"), article("f", title="Phi", tags=("gardening",)))
    project.run(MONDAY + WEEK)
    with pages_of(project, MONDAY + WEEK, **EVERYBODY) as made:
        yield made


@pytest.fixture
def eddy(pages: Pages) -> Browser:
    return come_in(pages, EDDY)


def rows(html: str) -> list[str]:
    """What stands first in each row of a list."""
    found = re.findall(r'<tr>\s*<th scope="row"[^>]*>(.*?)</th>', html, re.DOTALL)
    return [re.sub(r"<small>.*|<[^>]+>", "", one, flags=re.DOTALL).strip() for one in found]


def audited(pages: Pages) -> list[str]:
    row = tables.audit.c
    with pages.app.store.reading() as connection:
        found = connection.execute(select(row.actor, row.act, row.about).where(row.act != "signed in").order_by(row.id))
        return [": ".join(one) for one in found if one.act != "made a link"]


def all_of(browser: Browser, path: str) -> tuple[list[str], int]:
    """Everything that is listed, page after page, and how many pages that were."""
    listed, many = list[str](), 0
    while path:
        html = browser.get(path).text
        listed, many = listed + rows(html), many + 1
        assert many < 50
        onward = re.search(r'<a rel="next" href="([^"]+)"', html)
        path = "" if onward is None else onward[1].replace("&amp;", "&")
    return listed, many


def test_articles_are_looked_for_and_turned_page_by_page(eddy: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = rows(eddy.get("/editor/articles").text)
    assert listed == ["Phi", "Epsilon", "Title d", "Über c", "Über b", "Über a"]
    for query, found in (
        ("q=über", ["Über c", "Über b", "Über a"]),
        ("q=writer-B+%C3%9CBER", ["Über b"]),
        ("q=100%25", []),
        ("topic=weekly/databases", ["Title d"]),
        ("state=withdrawn", []),
        ("state=arrived&source=articles&q=phi", ["Phi"]),
        ("state=nonsense&topic=nothing/x&after=zzz", listed),
        ("source=elsewhere", []),
    ):
        assert rows(eddy.get(f"/editor/articles?{query}").text) == found, query
    monkeypatch.setattr("digest.web.desk.articles.MOST", 2)
    assert all_of(eddy, "/editor/articles") == (listed, 3)
    monkeypatch.setattr(catalogue, "LOOKED_THROUGH", 1)
    monkeypatch.setattr(catalogue, "_AT_ONCE", 1)
    some, many = all_of(eddy, "/editor/articles?topic=weekly/databases")
    assert (some, many) == (["Title d"], 7)


def test_an_article_is_featured_and_withdrawn_with_a_reason(pages: Pages, eddy: Browser) -> None:
    html = eddy.get("/editor/articles/1").text
    assert all(words in html for words in ("Über a", "Python", "weekly/1", "Feature it"))
    assert eddy.post("/editor/articles/1/feature", do="feature").status_code == 303
    assert rows(eddy.get("/editor/articles?state=featured").text) == ["Über a"]
    eddy.post("/editor/articles/1/feature", do="unfeature")
    at = "/editor/articles/6/withdraw"
    assert "type the word withdraw" in wrong_in(eddy.post(at, reason="It was wrong", sure="yes"))
    assert "say why" in wrong_in(eddy.post(at, reason=" ", sure="withdraw"))
    assert "at most 300" in wrong_in(eddy.post(at, reason="x" * 301, sure="withdraw"))
    assert rows(eddy.get("/editor/articles?state=withdrawn").text) == []
    done = eddy.post(at, reason="It was wrong", sure="Withdraw")
    assert "The article is withdrawn" in done.text
    assert "Withdraw it" not in done.text
    assert rows(eddy.get("/editor/articles?state=withdrawn").text) == ["Phi"]
    assert audited(pages) == [
        f"{EDDY}: featured: article 1",
        f"{EDDY}: featured no longer: article 1",
        f"{EDDY}: withdrew: article 6: It was wrong",
    ]
    for path in ("/editor/articles/999", "/editor/articles/x"):
        assert eddy.get(path).status_code == 404
    assert eddy.post("/editor/articles/999/feature", do="feature").status_code == 404
    viewer = come_in(pages, VERA).get("/editor/articles/1").text
    assert "Über a" in viewer
    assert "Feature it" not in viewer


@pytest.mark.sqlite
def test_the_reason_of_a_withdrawal_stands_in_the_history_of_the_draft_that_held_it(project: Project) -> None:
    project.configure('approval = "automatic"', 'approval = "required"')
    project.offer(article("a"), article("b"))
    for command in (("articles", "fetch"), ("issues", "draft", "weekly")):
        project.command(*command, "--now", MONDAY.isoformat())
    with pages_of(project, **EVERYBODY) as pages:
        eddy = come_in(pages, EDDY)
        done = eddy.post("/editor/articles/1/withdraw", reason="Its author asked", sure="withdraw")
        assert "weekly/1 (draft): withdrawn after the freeze, left out from sub-revision 1 on" in done.text
        assert "left out from sub-revision 1 on (Its author asked)" in eddy.get("/editor/issues/weekly/1").text


def test_people_are_found_by_address_part_newsletter_and_state(
    pages: Pages, eddy: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    for query, found in (
        ("", ["ann@x.example", "bob@x.example"]),
        ("q=BOB", ["bob@x.example"]),
        ("q=+ann@X.example", ["ann@x.example"]),
        ("q=nn@x.example", []),  # an address, and nobody's
        ("q=n_n", []),
        ("q=x.ex&newsletter=weekly&state=active", ["ann@x.example", "bob@x.example"]),
        ("state=paused", []),
        ("newsletter=other", []),
        ("after=1", ["bob@x.example"]),
    ):
        assert rows(eddy.get(f"/editor/subscribers?{query}").text) == found, query
    monkeypatch.setattr("digest.audience.browsing.LOOKED_THROUGH", 1)
    assert all_of(eddy, "/editor/subscribers?state=active") == (["ann@x.example", "bob@x.example"], 3)
    monkeypatch.setattr("digest.web.desk.subscribers.MOST", 1)
    assert all_of(eddy, "/editor/subscribers") == (["ann@x.example", "bob@x.example"], 2)


def test_one_persons_whole_story_and_why_they_got_an_issue(pages: Pages, eddy: Browser) -> None:
    ann = pages.person("ann@x.example")
    assert ann is not None
    page = eddy.get(f"/editor/subscribers/{ann.id}?issue=weekly/1")
    for words in ("ann@x.example", "accepted", "every topic", "4 articles", "Über a", "was accepted by the provider", "added"):
        assert words in page.text, words
    assert "“Über a” is in the mail of ann@x.example: it is new." in page.text
    for name, said in (("weekly/9", "there is no issue"), ("nonsense", "does not name an issue")):
        asked = eddy.get(f"/editor/subscribers/{ann.id}?issue={name}")
        assert (asked.status_code, said in wrong_in(asked)) == (422, True)
        assert "ann@x.example" in asked.text
    assert eddy.get("/editor/subscribers/99").status_code == 404
    assert come_in(pages, VERA).get(f"/editor/subscribers/{ann.id}").status_code == 403


def test_a_suppression_is_lifted_with_a_reason_and_a_complaint_only_where_they_asked(pages: Pages, eddy: Browser) -> None:
    app = pages.app_now()
    with app.store.writing() as connection:
        for email, scope, reason in (
            ("ann@x.example", "*", "complained"),
            ("bob@x.example", "weekly", "bounced"),
            ("nobody@x.example", "*", "bounced"),
            ("bob@x.example", "weekly/python", "unsubscribed"),
        ):
            suppress(connection, email, scope, reason=reason, source="test", now=app.now)
    everybody = ["ann@x.example", "bob@x.example", "bob@x.example", "nobody@x.example"]
    for query, found in (
        ("", everybody),
        ("q=bob", everybody[1:3]),
        ("scope=*", [everybody[0], everybody[3]]),
        ("reason=bounced", [everybody[1], everybody[3]]),
    ):
        assert rows(eddy.get(f"/editor/suppressions?{query}").text) == found, query
    assert rows(eddy.get("/editor/suppressions?after=bob@x.example+weekly").text) == everybody[2:]

    def lift(address: str, scope: str, reason: str, **more: str) -> str:
        answer = eddy.post("/editor/suppressions/lift", address=address, scope=scope, reason=reason, **more)
        return wrong_in(answer) or answer.text

    assert "say why" in lift("bob@x.example", "weekly", "")
    assert "Tick the box if they asked" in lift("ann@x.example", "*", "They wrote to us")
    assert "they alone take it up again" in lift("bob@x.example", "weekly/python", "They wrote to us")
    assert "is not suppressed for weekly" in lift("ann@x.example", "weekly", "They wrote to us")
    assert "bob@x.example may be mailed again" in lift("bob@x.example", "weekly", "A new mailbox")
    assert "nobody@x.example may be mailed again" in lift("nobody@x.example", "*", "A mistake")
    assert "ann@x.example may be mailed again" in lift("ann@x.example", "*", "They wrote to us", complained="yes")
    ann, bob = pages.person("ann@x.example"), pages.person("bob@x.example")
    assert ann is not None
    assert bob is not None
    assert audited(pages) == [
        f"{EDDY}: lifted a suppression: subscriber {bob.id}, weekly: A new mailbox",
        f"{EDDY}: lifted a suppression: an address that is no subscriber's, *: A mistake",
        f"{EDDY}: lifted a suppression: subscriber {ann.id}, *: They wrote to us",
    ]
    assert "let them be mailed again (weekly, bounced): <bdi>A new mailbox" in eddy.get(f"/editor/subscribers/{bob.id}").text


def test_deliveries_are_filtered_and_what_is_unknown_is_resolved_with_care(pages: Pages, eddy: Browser) -> None:
    row = tables.delivery.c
    with pages.app.store.writing() as connection:
        whose = select(tables.subscriber.c.id).where(tables.subscriber.c.email == "bob@x.example").scalar_subquery()
        connection.execute(update(tables.delivery).where(row.subscriber_id == whose, row.issue_id == 2).values(state="unknown"))
    html = eddy.get("/editor/deliveries").text
    assert rows(html) == ["ann@x.example", "bob@x.example"]
    assert "unknown (1)" in html
    for query, found in (
        ("issue=weekly/1", ["ann@x.example", "bob@x.example"]),
        ("issue=weekly/2&state=unknown", ["bob@x.example"]),
        ("issue=weekly/2&state=accepted", ["ann@x.example"]),
        ("issue=weekly/1&state=unknown", []),
        ("issue=weekly/1&state=nonsense&after=1", ["bob@x.example"]),
    ):
        assert rows(eddy.get(f"/editor/deliveries?{query}").text) == found, query
    assert "there is no issue" in wrong_in(eddy.get("/editor/deliveries?issue=weekly/77"))
    assert "has 1 of which nobody knows" in eddy.get("/editor").text

    def resolve(**form: str) -> str:
        answer = eddy.post("/editor/deliveries/resolve", **({"issue": "weekly/2"} | form))
        return wrong_in(answer) or answer.text

    assert "type the name of the issue" in resolve(verdict="accepted", reason="The log says so", sure="weekly/1")
    assert "say what became of them" in resolve(verdict="perhaps", reason="The log says so", sure="weekly/2")
    assert "say why" in resolve(verdict="accepted", reason="", sure="weekly/2")
    assert "there is no issue weekly/77" in resolve(issue="weekly/77", verdict="accepted", reason="x", sure="weekly/77")
    assert pages.project.account("weekly/2").get("unknown") == 1
    assert "1 that was unknown is accepted now" in resolve(verdict="accepted", reason="The log says so", sure="weekly/2")
    assert "unknown" not in pages.project.account("weekly/2")
    assert "No delivery of weekly/2 was unknown" in resolve(verdict="resend", reason="Once more", sure="weekly/2")
    assert audited(pages)[0] == f"{EDDY}: resolved unknown deliveries: 1 of weekly/2 as accepted: The log says so"


@pytest.mark.sqlite
def test_deliveries_are_turned_page_by_page_and_who_was_erased_is_not_named(
    pages: Pages, eddy: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pages.project.command("subscribers", "erase", "ann@x.example").returncode == 0
    monkeypatch.setattr("digest.web.desk.deliveries.MOST", 1)
    assert all_of(eddy, "/editor/deliveries?issue=weekly/1") == (["erased", "bob@x.example"], 2)
    monkeypatch.setattr(ledger, "LOOKED_THROUGH", 1)
    assert all_of(eddy, "/editor/deliveries?issue=weekly/1&state=accepted")[0] == ["erased", "bob@x.example"]
    assert listing.MOST == 50


@pytest.mark.sqlite
def test_sources_tell_how_they_have_been_doing(pages: Pages, eddy: Browser) -> None:
    html = eddy.get("/editor/sources").text
    for words in ("articles", "30 Nov 2026, 09:00 UTC", "30 Nov 2026, 09:15 UTC", "articles.json", '<td class="number">6</td>'):
        assert words in html, words
    with pages.app.store.writing() as connection:
        connection.execute(update(tables.source).values(error="it answered 503", gap_at=MONDAY, paused_until=MONDAY + 2 * WEEK))
    html = eddy.get("/editor/sources").text
    for words in ("it answered 503", "showed only articles that nobody had seen", "7 Dec 2026, 09:00 UTC", "as its server asked"):
        assert words in html, words
    assert "The source articles" in eddy.get("/editor").text


@pytest.mark.sqlite
def test_settings_say_what_holds_and_where_it_comes_from_and_no_secret(pages: Pages, eddy: Browser) -> None:
    html = eddy.get("/editor/settings").text
    for words in ("min_articles", "digest.toml", "DIGEST_DELIVERY__PROVIDER", "default", "********"):
        assert words in html, words
    assert f"{pages.app.settings.project}/config" not in html
    assert pages.app.settings.secret_key.get_secret_value() not in html
    assert VERA not in html
    assert VERA in come_in(pages, ADA).get("/editor/settings").text
    viewer = come_in(pages, VERA).get("/editor/settings").text
    assert "min_articles" in viewer
    assert "DIGEST_DELIVERY__PROVIDER" not in viewer


@pytest.mark.sqlite
def test_simulating_changes_nothing_and_is_bounded(pages: Pages, eddy: Browser) -> None:
    html = eddy.get("/editor/simulate?newsletter=weekly&from=2026-11-16&to=2026-11-30").text
    assert "2026-11-23, 09:00" in html
    assert html.count('role="img"') == 5
    assert "style=" not in html
    for query, said in (
        ("newsletter=weekly&from=2026-11-30&to=2026-11-16", "2026-11-30 is after 2026-11-16"),
        ("newsletter=weekly&from=2024-11-16&to=2026-11-16", "longer than 366 days"),
        ("newsletter=weekly&from=x&to=2026-11-16", "from: 'x' is not a date"),
        ("newsletter=weekly&from=0001-01-01&to=2026-11-16", "out of reach"),
        ("newsletter=other&from=2026-11-16&to=2026-11-16", "no newsletter"),
    ):
        answer = eddy.get(f"/editor/simulate?{query}")
        assert (answer.status_code, said in wrong_in(answer)) == (422, True), (query, wrong_in(answer))


@pytest.mark.sqlite
def test_home_compares_the_last_issue_with_those_before_it_and_shows_who_reads(pages: Pages, eddy: Browser) -> None:
    with pages.app.store.writing() as connection:
        for issue, kinds in ((1, ("delivered",)), (2, ("delivered", "complained"))):
            for number, kind in enumerate(kinds):
                row = {"issue_id": issue, "subscriber_id": 1, "attempt": 1, "kind": kind, "occurred_at": MONDAY}
                row |= {"provider": "sendgrid", "provider_message_id": f"{number}", "received_at": MONDAY}
                connection.execute(insert(tables.event).values(row))
    html = eddy.get("/editor").text
    assert re.search(r"<dt>Complained</dt><dd>50\.0 %</dd><dd class=\"usual\">1 · usually 0\.0 %</dd>", html), html
    assert "Nobody has told how many were opened, clicked." in html
    assert "the average of the 1 before it; ten are compared once there are so many" in html
    assert html.count('role="img"') == 2
    assert '<tr><th scope="row">Databases</th><td class="number">2</td></tr>' in html
    assert "2 active" in html
    assert "Counted on" not in html
    with pages.app.store.reading() as connection:
        assert connection.execute(select(func.count()).select_from(tables.figure)).scalar_one() == 0
