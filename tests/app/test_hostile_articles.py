"""Entries that are wrong in every field: each is taken without that field or left out, and the mail is whole."""

from __future__ import annotations

from collections.abc import Iterator
from email import policy
from email.parser import BytesParser
from html.parser import HTMLParser
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


MARKUP = (
    "words <mj-raw><script>alert(1)</script></mj-raw><mj-include path='/etc/passwd'/></mj-text></mjml>"
    "<img src=x onerror=alert(1)><svg onload=alert(1)><iframe src='https://evil.example/'></iframe>"
    "<style>*{display:none}</style><a href='javascript:alert(1)'>link</a>{{ 7*7 }}{% raw %}]]>--><!--[if mso]>"
)


class Marks(HTMLParser):
    """The elements of a mail, the names of their attributes, and where they lead to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.places: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.places |= {value or "" for name, value in attrs if name in {"href", "src", "background", "action"}}


def test_html_and_mjml_in_every_field_come_out_harmless_in_the_mail(project: Project) -> None:
    fields = ("title", "summary", "author", "image_alt", "id", "language")
    hostile = article("h") | dict.fromkeys(fields, MARKUP) | {"tags": ["python", MARKUP[:60], "<b>x</b>"]}
    address = article("i") | {
        "url": "https://x.example/'><script>alert(1)</script>",
        "image": 'https://x.example/"onerror=alert(1)',
    }
    project.offer(article("good"), hostile, address)
    assert exit_code_of_run(project.run(MONDAY)) == 0
    (mail,) = project.mails("ann@x.example")
    parts = {kind: mail.get_body((kind,)) for kind in ("html", "plain")}
    assert parts["html"] is not None
    assert parts["plain"] is not None
    html, plain = parts["html"].get_content(), parts["plain"].get_content()
    marks = Marks(html)
    assert not {element for element in marks.elements if element.startswith("mj") or element in {"script", "iframe", "svg"}}
    assert not {name for name in marks.attributes if name.startswith("on")}
    assert {place.partition(":")[0] for place in marks.places} <= {"https", "http", "mailto"}
    assert "words" in html
    assert "{{ 7*7 }}" in html
    assert "root:" not in html + plain
    assert "<script" not in plain


def test_a_list_of_nothing_but_bad_entries_is_a_skipped_issue_and_every_entry_is_named(project: Project) -> None:
    project.offer(*({"title": f"no address {number}"} for number in range(5)))
    ran = project.run(MONDAY)
    (source,) = ran.fetched.sources
    assert len(source.faults) == 5
    assert project.issue("weekly/1").state == "skipped"
    assert project.sink.connections == 0
