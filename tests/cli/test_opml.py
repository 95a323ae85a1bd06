"""`digest config opml`: a feed reader's list as tables of the configuration."""

from __future__ import annotations

import json
import tomllib

import pytest

from tests.journeys.project import Project

LIST = """<?xml version="1.0"?><opml version="2.0"><head><title>Mine</title></head><body>
<outline text="Back end"><outline text="Deep &amp; wide"><outline type="rss" text="Grüße &lt;b&gt;" xmlUrl="https://a.example/feed"/>
</outline><outline title="articles" xmlUrl="https://b.example/feed?x=1"/></outline>
<outline text="Twice" xmlUrl="https://a.example/feed#x"/><outline text="Bad" xmlUrl="javascript:x"/>
<outline text="" xmlUrl="https://c.example/feed"/><outline text="A folder"/></body></opml>"""


def test_feeds_become_tables_that_the_configuration_takes(project: Project) -> None:
    (project.folder / "feeds.opml").write_text(LIST, encoding="utf-8")
    said = project.command("config", "opml", "feeds.opml")
    assert said.returncode == 0
    assert tomllib.loads(said.stdout)["sources"] == [
        {"name": "grusse", "kind": "feed", "url": "https://a.example/feed", "tags": ["back end", "deep & wide"]},
        {"name": "articles-2", "kind": "feed", "url": "https://b.example/feed?x=1", "tags": ["back end"]},
        {"name": "c-example", "kind": "feed", "url": "https://c.example/feed"},
    ]
    assert said.stderr.splitlines() == [
        "'Twice' is left out: its address is there already",
        "'Bad' is left out: its address must begin with https:// or http://",
    ]
    file = project.folder / "config" / "digest.toml"
    file.write_text(file.read_text(encoding="utf-8") + "\n" + said.stdout, encoding="utf-8")
    assert project.command("config", "check").returncode == 0
    again = json.loads(project.command("config", "opml", "feeds.opml", "--json").stdout)
    assert (again["sources"], len(again["left_out"])) == ([], 5)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not XML that can be read"),
        (b"<html/>", "is not OPML: it does not begin with <opml>"),
        (b"<opml><body>", "is not XML that can be read"),
        (b"\xff\x00", "is not XML that can be read"),
        (b"<!DOCTYPE opml [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><opml>&a;</opml>", "it declares a document type (DTD)"),
        (b"<!DOCTYPE opml [<!ENTITY a 'x'><!ENTITY b '&a;&a;'>]><opml>&b;</opml>", "it declares a document type (DTD)"),
        (b"<opml>" + b"<outline/>" * 200_000 + b"</opml>", "has more than 200,000 elements, and is not read"),
        (b"<opml>" * 200_000, "has elements nested more than 100,000 deep, and is not read"),
        (b"x" * (11 * 1024 * 1024), "is larger than 10 MB"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_what_is_no_list_is_one_line(project: Project, content: bytes | None, said: str) -> None:
    if content is not None:
        (project.folder / "feeds.opml").write_bytes(content)
    answer = project.command("config", "opml", "feeds.opml")
    assert answer.returncode == 2
    assert said in answer.stderr
    assert "feeds.opml: " in answer.stderr
    assert len(answer.stderr.splitlines()) == 1
    assert answer.stdout == ""


def test_titles_that_are_not_latin_make_names_of_their_hosts(project: Project) -> None:
    titles = {
        "日本語": "https://www.blog.example/feed",
        "Русский": "https://blog.example/ru",
        "عربي ١": "https://blog.example/ar",
        "🚀": "http://127.0.0.1:8000/x",
        "Łódź Ørsted": "https://b.example/1",
        "Blog 日本": "https://b.example/2",
        "日本語 Go": "https://bücher.example/2",
    }
    rows = "".join(f"<outline text='{title}' xmlUrl='{url}'/>" for title, url in titles.items())
    (project.folder / "feeds.opml").write_text(f"<opml><body>{rows}</body></opml>", encoding="utf-8")
    said = project.command("config", "opml", "feeds.opml")
    names = [each["name"] for each in tomllib.loads(said.stdout)["sources"]]
    assert names == [
        *("blog-example", "blog-example-2", "blog-example-3", "127-0-0-1"),
        *("lodz-orsted", "blog", "xn-bcher-kva-example"),
    ]
    file = project.folder / "config" / "digest.toml"
    file.write_text(file.read_text(encoding="utf-8") + "\n" + said.stdout, encoding="utf-8")
    assert project.command("config", "check").returncode == 0


def test_a_list_of_too_many_feeds_is_one_line_with_its_name(project: Project) -> None:
    rows = "".join(f"<outline xmlUrl='https://a.example/{number}'/>" for number in range(5001))
    (project.folder / "feeds.opml").write_text(f"<opml><body>{rows}</body></opml>")
    said = project.command("config", "opml", "feeds.opml")
    assert (said.returncode, said.stderr) == (2, "digest: feeds.opml: lists more than 5,000 feeds; split it\n")


def test_outlines_nested_without_end_are_read(project: Project) -> None:
    deep = "<outline text='x'>" * 5000 + "<outline text='y' xmlUrl='https://a.example/feed'/>" + "</outline>" * 5000
    (project.folder / "feeds.opml").write_text(f"<opml><body>{deep}</body></opml>")
    (feed,) = json.loads(project.command("config", "opml", "feeds.opml", "--json").stdout)["sources"]
    assert feed["tags"] == ["x"]
