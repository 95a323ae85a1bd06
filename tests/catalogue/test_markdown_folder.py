"""The source kind markdown: folders as Hugo, Jekyll, Eleventy and MkDocs blogs keep them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from digest.catalogue.sources.markdown_folder import MarkdownFolder
from digest.catalogue.sources.port import Reading, SourceContext
from digest.catalogue.visiting import Visits
from digest.errors import Unreachable
from digest.settings import SourceSettings
from tests.catalogue.conftest import NOW

Read = Callable[..., Reading]
Write = Callable[[str, str | bytes], None]


@pytest.fixture
def write(context: SourceContext) -> Write:
    def write(place: str, text: str | bytes) -> None:
        file = context.project / "posts" / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())

    return write


@pytest.fixture
def read(context: SourceContext, source: Callable[..., SourceSettings]) -> Read:
    def read(**settings: Any) -> Reading:
        values = {"kind": "markdown", "path": "posts", "base_url": "https://blog.example", **settings}
        return MarkdownFolder(source(**values), replace(context, visits=Visits(now=NOW))).read()

    return read


HUGO = """+++
title = "Vec<T> in Rust"
date = 2026-11-20T09:00:00+01:00
lastmod = 2026-11-21
tags = ["Rust", "Memory"]
categories = ["Languages"]
description = "What a vector is."
author = "Ann"
featured = true
language = "en"
[cover]
image = "cover.png"
alt = "A shelf"
+++
{{< figure src="x.png" >}}
Text.
"""
JEKYLL = """---
title: Indexes
tags: databases sql
categories: data
---
# Indexes

{% include toc.html %}

The *first* paragraph, with [a link](https://x.example) & more.

![An index](/img/index.png)

Second.
"""


def test_hugos_toml_and_page_bundles_are_read(write: Write, read: Read) -> None:
    write("rust/vec/index.md", HUGO)
    (entry,) = read().entries
    assert (entry.url, entry.title, entry.key) == ("https://blog.example/rust/vec/", "Vec<T> in Rust", "rust/vec/index.md")
    assert (entry.tags, entry.summary, entry.author) == (("languages", "rust", "memory"), "What a vector is.", "Ann")
    assert (entry.published_at, entry.updated_at) == (
        datetime(2026, 11, 20, 8, tzinfo=UTC),
        datetime(2026, 11, 20, 23, tzinfo=UTC),
    )
    assert (entry.image, entry.image_alt) == ("https://blog.example/rust/vec/cover.png", "A shelf")
    assert (entry.featured, entry.language) == (True, "en")


def test_jekylls_dated_names_and_permalinks_are_read(write: Write, read: Read) -> None:
    write("_posts/2026-11-20-indexes.md", JEKYLL)
    (entry,) = read(permalink="{category}/{year}/{month}/{day}/{slug}.html").entries
    assert entry.url == "https://blog.example/data/2026/11/20/indexes.html"
    assert entry.published_at == datetime(2026, 11, 19, 23, tzinfo=UTC)
    assert entry.tags == ("data", "databases", "sql")
    assert entry.summary == "The first paragraph, with a link & more."
    assert (entry.image, entry.image_alt) == ("https://blog.example/img/index.png", "An index")


def test_mkdocs_dates_and_excerpts_are_read(write: Write, read: Read) -> None:
    head = "---\ndate:\n  created: 2026-11-20\n  updated: 2026-11-21\nauthors: [ann]\nslug: caching\n---\n"
    write("one.md", f"{head}# Caching\n\nAbove.\n\nStill above.\n\n<!-- more -->\n\nBelow.\n")
    (entry,) = read(base_url="https://docs.example/blog", permalink="{year}/{slug}/").entries
    assert (entry.url, entry.title) == ("https://docs.example/blog/2026/caching/", "Caching")
    assert (entry.summary, entry.author) == ("Above. Still above.", "ann")
    assert entry.updated_at == datetime(2026, 11, 20, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("permalink", "address"),
    [
        ("/notes/{slug}", None),
        ("/notes/one/", "https://blog.example/notes/one/"),
        ("https://other.example/one", "https://other.example/one"),
        ("/:year/:title.html", "https://blog.example/2026/one.html"),
    ],
)
def test_an_article_may_name_its_own_address(write: Write, read: Read, permalink: str, address: str | None) -> None:
    write("one.md", f"---\ntitle: One\ndate: 2026-11-20\npermalink: '{permalink}'\n---\n")
    (entry,) = read().entries
    assert entry.url == (address or "https://blog.example/notes/one")


@pytest.mark.parametrize(
    "line",
    ["draft: true", "published: false", "draft: 'yes'", "permalink: false", "expiryDate: 2026-11-01"],
)
def test_what_is_not_meant_to_be_read_is_left_out_without_a_word(write: Write, read: Read, line: str) -> None:
    write("one.md", f"---\ntitle: One\n{line}\n---\n")
    assert read() == Reading(())


def test_drafts_folders_hidden_files_and_list_pages_are_left_out(write: Write, read: Read) -> None:
    for place in ("_drafts/a.md", ".obsidian/b.md", "_index.md", "notes/.c.md", "d.txt"):
        write(place, "---\ntitle: One\n---\n")
    assert read() == Reading(())


def test_a_date_to_come_is_kept_for_its_time(write: Write, read: Read) -> None:
    write("one.md", "---\ntitle: One\npublishDate: 2027-01-01 08:00:00 +0000\ndate: 2026-01-01\n---\n")
    assert read().entries[0].published_at == datetime(2027, 1, 1, 8, tzinfo=UTC)


def test_files_without_front_matter_are_told_once(write: Write, read: Read) -> None:
    write("README.md", "# Hello")
    write("NOTES.md", "Hello")
    (fault,) = read().faults
    assert str(fault) == "folder: 2 left out, for want of front matter: NOTES.md, README.md"


BAD: list[tuple[str | bytes, str]] = [
    ("---\ntitle: [\n---\n", "one.md: its front matter is not YAML (line 3"),
    ("---\ntitle: One\n", "one.md: its front matter is not ended by a line of ---"),
    ("+++\ntitle = One\n+++\n", "one.md: its front matter is not TOML ("),
    ("---\n- a\n- b\n---\n", "one.md: its front matter is no table of keys and values"),
    ("---\na: &a [x, x]\nb: [*a, *a]\n---\n", "one.md: its front matter is not YAML (it uses an alias, such as *name; write the"),
    (
        "---\na: !!python/object/apply:os.system ['true']\n---\n",
        "one.md: its front matter is not YAML (line 2: could not determine",
    ),
    ("---\na: " + "[" * 20_000 + "\n---\n", "one.md: its front matter is not YAML (it is nested too deeply)"),
    ("---\n" + "a: b\n" * 20_000 + "---\n", "one.md: its front matter is longer than 64 KB"),
    ("---\ndate: 2026-02-30\n---\n", "one.md: its front matter is not YAML (day is out of range"),
    ("---\ntitle: x\npermalink: '/{{ page.fileSlug }}/'\n---\n", "one.md: its permalink is a template"),
    (b"---\ntitle: \xff\n---\n", "one.md: line 2 holds a byte that is not UTF-8; save the file as UTF-8"),
    ("---\ntitle: ''\n---\n", "one.md, title: is missing"),
    (f"---\ntitle: {'9' * 5000}\n---\n", "one.md: its front matter is not YAML (it holds a number of thousands of digits)"),
    (f"+++\ntitle = {'9' * 5000}\n+++\n", "one.md: its front matter is not TOML (it holds a number of thousands of digits)"),
    (f"+++\ntitle = 0x{'f' * 5000}\n+++\n", "one.md: its `title` is a number that is too large; write a text in quotation marks"),
    ("+++\ntitle = 'x'\nslug = 1e400\n+++\n", "one.md: its `slug` is a number that is too large; write a text in"),
    ("+++\ntitle = 'x'\ntags = [nan]\n+++\n", "one.md: its `tags` is a number that is too large"),
    ("+++\ntitle = 'x'\ndate = 1e400\n+++\n", "one.md: its `date` is a number that is too large"),
    (f"---\ntitle: x\ndate: 0x{'f' * 5000}\n---\n", "one.md: its `date` is a number that is too large"),
    ("---\ntitle: x\npermalink: 'http://[x/'\n---\n", "one.md, url: 'http://[x/'"),
]


@pytest.mark.parametrize(("text", "said"), BAD)
def test_a_bad_file_is_one_line_and_stops_only_itself(write: Write, read: Read, text: str | bytes, said: str) -> None:
    write("one.md", text)
    write("two.md", "---\ntitle: Two\n---\n")
    reading = read()
    assert [entry.title for entry in reading.entries] == ["Two"]
    (fault,) = reading.faults
    assert str(fault).startswith(said)
    assert fault.error


@pytest.mark.parametrize("text", ["+++\ntitle = 'x'\nreading_minutes = 1e400\n+++\n", "---\ntitle: x\nweight: .inf\n---\n"])
def test_a_number_that_nobody_asks_for_may_be_of_any_size(write: Write, read: Read, text: str) -> None:
    write("one.md", text)
    assert len(read().entries) == 1


def test_a_date_that_is_a_number_is_one_without_dashes_or_told(write: Write, read: Read) -> None:
    write("one.md", "---\ntitle: One\ndate: 20261120\n---\n")
    write("two.md", "---\ntitle: Two\ndate: 99999999999999\n---\n")
    reading = read()
    assert [entry.published_at for entry in reading.entries] == [datetime(2026, 11, 19, 23, tzinfo=UTC), None]
    (fault,) = reading.faults
    assert str(fault).startswith("two.md, published_at: '99999999999999' is not an ISO 8601 time such as")
    assert not fault.error


def test_a_name_that_is_not_utf_8_is_told_and_stops_only_itself(write: Write, read: Read) -> None:
    write("two.md", "---\ntitle: Two\n---\n")
    for name in (b"caf\xe9.md", b"\xff/one.md", b"\xfe.md"):
        write(os.fsdecode(name), "nothing" if name.startswith(b"\xfe") else "---\ntitle: One\n---\n")
    reading = read()
    assert [entry.title for entry in reading.entries] == ["Two"]
    said = "its name, or a folder's above it, is not UTF-8; rename it; it is left out"
    assert sorted(str(fault) for fault in reading.faults) == sorted(
        f"{name}: {said}" for name in (r"\xff/one.md", r"\xfe.md", r"caf\xe9.md")
    )


def test_links_that_lead_nowhere_or_in_circles_are_left_out(write: Write, read: Read, context: SourceContext) -> None:
    write("two.md", "---\ntitle: Two\n---\n")
    posts = context.project / "posts"
    (posts / "circle.md").symlink_to("circle.md")
    (posts / "long.md").symlink_to("x" * 300)
    (posts / "gone.md").symlink_to("nothing.md")
    (posts / "loop").symlink_to(".")
    assert [entry.title for entry in read().entries] == ["Two"]


@pytest.mark.parametrize(
    ("permalink", "head", "address"),
    [
        ("{folder}/{slug}/", "", "Notes/my-first-post/"),
        ("{slug}.html", "slug: My-Slug", "my-slug.html"),
        ("{folder}/{file}.html", "", "Notes/2026-11-20-My First-Post.html"),
        ("{category}/{slug}", "categories: [Data Bases]", "data-bases/my-first-post"),
        ("{slug}", "permalink: /:categories/:title.html\ncategories: [Data]", "data/My-First-Post.html"),
    ],
)
def test_slugs_are_in_lower_case_and_names_as_they_are_written(
    write: Write, read: Read, permalink: str, head: str, address: str
) -> None:
    write("Notes/2026-11-20-My First-Post.md", f"---\ntitle: One\n{head}\n---\n")
    assert read(permalink=permalink).entries[0].url == f"https://blog.example/{address.replace(' ', '-')}"


def test_an_address_that_needs_a_date_is_told(write: Write, read: Read) -> None:
    write("one.md", "---\ntitle: One\ndate: someday\n---\n")
    (fault,) = read(permalink="{year}/{slug}/").faults
    assert str(fault) == "one.md: its address needs a year, and it has no date that can be read; it is left out"


def test_a_link_out_of_the_folder_is_not_read(write: Write, read: Read, context: SourceContext) -> None:
    (context.project / "secret.md").write_text("---\ntitle: Secret\n---\n")
    write("two.md", "---\ntitle: Two\n---\n")
    (context.project / "posts" / "one.md").symlink_to(context.project / "secret.md")
    assert [entry.title for entry in read().entries] == ["Two"]


def test_a_folder_that_is_none_is_one_line(context: SourceContext, read: Read) -> None:
    with pytest.raises(Unreachable, match=r"posts does not exist in the project folder; correct `path` of source 'blog'"):
        read()
    (context.project / "posts").write_text("x")
    with pytest.raises(Unreachable, match="posts is not a folder"):
        read()


def test_strange_values_leave_only_their_field_out(write: Write, read: Read) -> None:
    write("one.md", "---\ntitle: 2026\ntags: {a: b}\nauthor: [[x]]\nimage: [{}]\ndate: [1]\nsummary: []\nfeatured: maybe\n---\n")
    (entry,) = read().entries
    assert (entry.title, entry.tags, entry.author, entry.image, entry.published_at) == ("2026", (), None, None, None)
    assert not entry.featured
