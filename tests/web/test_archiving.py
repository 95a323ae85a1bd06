"""Issues that were sent, for everybody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from unittest import mock
from xml.etree import ElementTree

import pytest

from digest.app import publishing
from digest.app.previewing import preview
from digest.issues.issue import find_issue
from tests.journeys.project import MONDAY, WEEK, Project, article
from tests.web.conftest import Pages, pages_of

ATOM = "{http://www.w3.org/2005/Atom}"
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def without_links(html: str) -> str:
    return re.sub(r'href="[^"]*"', "", html)


@pytest.fixture
def sent(project: Project) -> Iterator[Pages]:
    """Two issues were sent, a third is planned."""
    nasty = article("b", at=MONDAY, tags=("databases",), title='<b>& "]]> \u2028\x0b', image="https://pictures.example/b.png")
    project.offer(article("a"))
    project.run(MONDAY)
    project.offer(article("a"), nasty)
    project.run(MONDAY + WEEK)
    project.offer(article("a"), nasty, article("c", at=MONDAY + WEEK))
    project.plan(MONDAY + 2 * WEEK)
    with pages_of(project, MONDAY + 2 * WEEK) as pages:
        yield pages


def test_what_was_sent_is_listed_and_what_was_not_is_not_there(sent: Pages) -> None:
    assert 'href="/archive/weekly"' in sent.client.get("/archive").text
    listed = sent.client.get("/archive/weekly").text
    assert re.findall(r'href="(/archive/weekly/\d+)"', listed) == ["/archive/weekly/2", "/archive/weekly/1"]
    for path in ("weekly/3", "weekly/4", "weekly/01", "weekly/-1", "weekly/x", "weekly/1/x", "nope", "nope/1", "nope/feed.xml"):
        assert sent.client.get(f"/archive/{path}").status_code == 404


def test_an_issue_is_the_widest_rendition_without_anybodys_links(sent: Pages) -> None:
    answer = sent.client.get("/archive/weekly/1")
    with sent.app.store.reading() as connection:
        issue = find_issue(connection, "weekly/1")
    shown = preview(sent.app, issue, None).html.replace("reader@example.com", "everybody")
    before, _, rest = answer.text.partition('<meta property="og:type"')
    assert without_links(before + rest[rest.index("</head>") :]) == without_links(shown)
    ours = set(re.findall(r'href="(https://news[^"]+)"', rest[rest.index("</head>") :]))
    assert all(sent.client.get(unescape(link)).status_code == 200 for link in ours)
    assert not re.search(r"/(unsubscribe|preferences)/|@x\.example|reader@", answer.text)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert "set-cookie" not in answer.headers


def test_an_issue_says_what_it_is_to_whoever_shows_a_link_to_it(sent: Pages) -> None:
    html = sent.client.get("/archive/weekly/2").text
    found = {name: unescape(value) for name, value in re.findall(r'<meta property="og:(\w+)" content="([^"]*)">', html)}
    assert found["url"] == "https://news.backend.example/archive/weekly/2"
    assert found["type"] == "article"
    assert found["title"].startswith("Backend Weekly #2")
    assert found["site_name"] == "Backend Notes"
    assert '& "]]>' in found["description"]
    assert found["image"] == "https://pictures.example/b.png"


def test_the_feed_is_atom_with_an_entry_for_each_issue(sent: Pages) -> None:
    answer = sent.client.get("/archive/weekly/feed.xml")
    assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    feed = ElementTree.fromstring(answer.content)
    entries = feed.findall(f"{ATOM}entry")
    assert [one.findtext(f"{ATOM}id") for one in entries] == [
        f"https://news.backend.example/archive/weekly/{number}" for number in (2, 1)
    ]
    assert '& "]]>' in (entries[0].findtext(f"{ATOM}summary") or "")
    assert feed.findtext(f"{ATOM}updated") == entries[0].findtext(f"{ATOM}updated")


def test_the_map_names_every_page(sent: Pages) -> None:
    found = ElementTree.fromstring(sent.client.get("/sitemap.xml").content)
    paths = [(one.findtext(f"{SITEMAP}loc") or "").removeprefix("https://news.backend.example") for one in found]
    assert paths == ["/archive", "/archive/weekly", "/archive/weekly/2", "/archive/weekly/1"]
    assert all(sent.client.get(path).status_code == 200 for path in paths)


def test_what_was_withdrawn_is_not_shown_any_more(sent: Pages) -> None:
    assert sent.project.command("articles", "withdraw", "b").returncode == 0
    assert sent.client.get("/archive/weekly/2").status_code == 404  # nothing of it remains
    assert "]]&gt;" not in sent.client.get("/archive/weekly/feed.xml").text


def test_a_page_is_rendered_once_until_an_article_of_it_is_withdrawn(sent: Pages) -> None:
    paths = ("/archive/weekly/1", "/archive/weekly/feed.xml", "/archive/weekly", "/sitemap.xml")
    with mock.patch.object(publishing, "read", wraps=publishing.read) as read:
        first = {path: sent.client.get(path) for path in paths}
        again = {path: sent.client.get(path, headers={"If-None-Match": first[path].headers["etag"]}) for path in paths}
        assert [answer.status_code for answer in again.values()] == [304] * 4
        assert all(answer.headers["last-modified"] for answer in first.values())
        assert sent.client.get("/archive/weekly/1").text == first["/archive/weekly/1"].text
        assert read.call_count == 1
    assert sent.project.command("articles", "withdraw", "a").returncode == 0
    assert sent.client.get("/archive/weekly/1").status_code == 404
    feed = sent.client.get(
        "/archive/weekly/feed.xml", headers={"If-None-Match": first["/archive/weekly/feed.xml"].headers["etag"]}
    )
    assert feed.status_code == 200
    assert "Title a" not in feed.text


def test_before_the_first_issue_there_is_an_empty_list_and_a_feed(pages: Pages) -> None:
    assert "No issue has been sent yet" in pages.client.get("/archive/weekly").text
    assert ElementTree.fromstring(pages.client.get("/archive/weekly/feed.xml").content).findall(f"{ATOM}entry") == []


def test_an_archive_that_is_switched_off_is_not_there(sent: Pages) -> None:
    with pages_of(sent.project, MONDAY + timedelta(days=20), DIGEST_PAGES__ARCHIVE="false") as pages:
        for path in ("/archive", "/archive/weekly", "/archive/weekly/1", "/archive/weekly/feed.xml"):
            assert pages.client.get(path).status_code == 404
        assert "archive" not in pages.client.get("/sitemap.xml").text.partition("<url")[2]
