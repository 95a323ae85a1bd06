from __future__ import annotations

import pytest

from digest.languages.matching import language_for, lookup

THERE = ("ar", "de", "en", "ja", "pt", "pt-BR", "zh-Hant")


@pytest.mark.parametrize(
    ("tag", "found"),
    [("de", "de"), ("DE-at", "de"), ("pt-BR", "pt-BR"), ("pt-PT", "pt"), ("zh-hant-TW", "zh-Hant"), ("zh", None), ("xx", None)],
)
def test_a_tag_falls_to_as_much_of_it_as_there_is(tag: str, found: str | None) -> None:
    assert lookup(tag, THERE) == found


@pytest.mark.parametrize(
    ("tag", "own", "gets"),
    [
        (None, "en", "en"),
        ("", "de", "de"),
        ("xx", "de", "de"),
        ("de-CH", "en", "de"),
        ("en", "en-GB", "en-GB"),
        ("en-US", "en-GB", "en-GB"),
        ("en-GB", "en", "en"),
        ("pt-BR", "pt", "pt-BR"),
        ("pt", "pt-BR", "pt"),
        ("nl-BE", "nl", "nl"),
        ("en", "nl", "en"),
    ],
)
def test_a_reader_gets_the_newsletters_language_unless_they_ask_for_words_that_differ(
    tag: str | None, own: str, gets: str
) -> None:
    assert language_for(tag, own, THERE) == gets
