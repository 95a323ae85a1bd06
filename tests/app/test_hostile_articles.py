"""Entries that are wrong in every field: each is taken without that field or left out, and the mail is whole."""

from __future__ import annotations

from collections.abc import Iterator
from email import policy
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import pytest

from digest.cli.reports import exit_code_of_run
from tests.journeys.project import MONDAY, Project, a_project, article

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project with one reader."""
    with a_project(tmp_path) as made:
        made.join("ann@x.example")
        yield made


FIELDS: dict[str, list[Any]] = {
    "published_at": ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "", 0, 1e18, "2026-02-30", True, [], {}],
    "tags": ["python", ["python", 1], [[]], {"a": 1}, ["a" * 10_000], ["\x00", "python"]],
    "url": ["http://[::1", "https://x.example:99999/", "https://x.example/\r\nBcc: x", "ftp://x.example/", "/a", "JAVASCRIPT:x"],
    "title": ["", " ", "\x00", "\ud800", 5, ["x"], "a" * 200_000, "<b></b>", "{{ 7*7 }}", "]]>", "-->", "<mj-raw>", "%%x%%"],
    "reading_minutes": [-1, 1e300, 10**30, "five"],
    "language": ["\x00", "xx-!!", 5],
    "image": ["javascript:x", "data:image/png;base64,xx", "http://[", 5],
    "author": ["\r\nBcc: evil@x.example", "<script>x</script>", 5],
    "summary": ["<a href='javascript:x'>y</a>" * 50, None, "=?utf-8?q?Hi=0D=0ABcc:_evil@x.y?="],
    "id": ["", 5, "x" * 5000, None],
}


@pytest.mark.parametrize("field", sorted(FIELDS))
def test_an_entry_with_a_hostile_field_stops_only_itself_and_injects_nothing(project: Project, field: str) -> None:
    hostile = [article(f"h{number}") | {field: value} for number, value in enumerate(FIELDS[field])]
    project.offer(article("good"), *hostile)
    ran = project.run(MONDAY)
    assert exit_code_of_run(ran) == 0
    assert project.read("ann@x.example")[0].count("good") == 1
    (arrived,) = project.sink.arrived
    names = [name.lower() for name, _ in BytesParser(policy=policy.compat32).parsebytes(arrived.message).items()]
    assert "bcc" not in names
    assert len(names) == len(set(names))
    (mail,) = project.mails("ann@x.example")
    assert mail.defects == []
    part = mail.get_body(("html",))
    assert part is not None
    html = part.get_content()
    assert "javascript:" not in html.lower()
    assert "<script" not in html.lower()
    assert "\x00" not in html


def test_a_list_of_nothing_but_bad_entries_is_a_skipped_issue_and_every_entry_is_named(project: Project) -> None:
    project.offer(*({"title": f"no address {number}"} for number in range(5)))
    ran = project.run(MONDAY)
    (source,) = ran.fetched.sources
    assert len(source.faults) == 5
    assert project.issue("weekly/1").state == "skipped"
    assert project.sink.connections == 0
