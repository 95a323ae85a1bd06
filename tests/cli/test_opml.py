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
        {"name": "grue", "kind": "feed", "url": "https://a.example/feed", "tags": ["back end", "deep & wide"]},
        {"name": "articles-2", "kind": "feed", "url": "https://b.example/feed?x=1", "tags": ["back end"]},
        {"name": "feed", "kind": "feed", "url": "https://c.example/feed"},
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


def test_outlines_nested_without_end_are_read(project: Project) -> None:
    deep = "<outline text='x'>" * 5000 + "<outline text='y' xmlUrl='https://a.example/feed'/>" + "</outline>" * 5000
    (project.folder / "feeds.opml").write_text(f"<opml><body>{deep}</body></opml>")
    (feed,) = json.loads(project.command("config", "opml", "feeds.opml", "--json").stdout)["sources"]
    assert feed["tags"] == ["x"]
