"""UTM parameters on links."""

from __future__ import annotations

from dataclasses import replace

import pytest

from digest.catalogue.address import canonical_url
from digest.rendering.assemble import assemble, fill
from digest.rendering.content import AlsoContent
from digest.rendering.marking import mark_link
from digest.rendering.render import render_blocks, render_direct

from .sample import ARRANGEMENT, CONTENT, PERSONAL, article, shipped

UTM = (("utm_source", "news letter"), ("utm_campaign", "weekly-12"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("https://a.example/x", "https://a.example/x?utm_source=news%20letter&utm_campaign=weekly-12"),
        ("https://a.example", "https://a.example?utm_source=news%20letter&utm_campaign=weekly-12"),
        (
            "https://a.example/x?b=1&c=%20#top",
            "https://a.example/x?b=1&c=%20&utm_source=news%20letter&utm_campaign=weekly-12#top",
        ),
        ("https://a.example/x?UTM_Source=theirs", "https://a.example/x?UTM_Source=theirs&utm_campaign=weekly-12"),
        ("https://a.example/x?", "https://a.example/x?utm_source=news%20letter&utm_campaign=weekly-12"),
        ("https://a.example/x?utm_source=a&utm_campaign=b", "https://a.example/x?utm_source=a&utm_campaign=b"),
        ("#", "#"),
    ],
)
def test_parameters_stand_behind_those_that_are_there(before: str, after: str) -> None:
    assert mark_link(before, UTM) == after


def test_without_parameters_a_link_is_what_it_was() -> None:
    assert mark_link("https://a.example/x?a#b", ()) == "https://a.example/x?a#b"


def test_a_marked_article_is_still_the_same_one() -> None:
    marked = mark_link("https://a.example/x?b=1", UTM)
    assert canonical_url(marked) == "https://a.example/x?b=1"


def test_articles_other_places_and_the_site_are_marked_and_nothing_of_digests_own() -> None:
    also = (AlsoContent(8, "https://other.example/a", "other.example"),)
    content = replace(CONTENT, utm=UTM, articles=(replace(article(1, "A"), also=also), *CONTENT.articles[1:]))
    made = fill(assemble(render_blocks(shipped(), content), ARRANGEMENT, issue="weekly/12", number=1, content=content), PERSONAL)
    assert made == render_direct(shipped(), content, ARRANGEMENT, PERSONAL)
    html, text = made
    for url in ("https://engineering.example.org/articles/1", "https://other.example/a"):
        assert f'href="{url}?utm_source=news%20letter&amp;utm_campaign=weekly-12"' in html
        assert f"\n{url}?utm_source=news%20letter&utm_campaign=weekly-12\n" in text
    assert 'href="https://engineering.example.org?utm_source=news%20letter&amp;utm_campaign=weekly-12"' in html
    own = [line for line in (html + text).splitlines() if "https://digest.example.org" in line]
    assert own
    assert not [line for line in own if "utm_" in line.partition("https://digest.example.org")[2].partition('"')[0]]
