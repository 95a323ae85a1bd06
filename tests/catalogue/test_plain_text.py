"""Foreign text made plain."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digest.catalogue.plain_text import RAW_LIMIT, is_visible, one_line, plain_text, shorten


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("<b>Bold</b> &amp; <i>free</i>", "Bold & free"),
        ("<p>One.</p><p>Two.</p>", "One. Two."),
        ("x<script>alert(1)</script>y", "xy"),
        ("<img src=x onerror=alert(1)>Hi", "Hi"),
        ("AT&T, R&D and 1 < 2", "AT&T, R&D and 1 < 2"),
        ("Vec<T>, Map<String, List<Int>> and <?php", "Vec<T>, Map<String, List<Int>> and <?php"),
        ("&amp;lt;b&amp;gt;", "&lt;b&gt;"),
        ("&lt;b&gt; in a title", "<b> in a title"),
        ("a\x00b\x0bc\r\nd\te\u2028f\u0085g", "ab c d e f g"),
        ("abc\u202edcba\u2066x\u2069", "abcdcbax"),
        ("half \ud800 a pair", "half a pair"),
        ("👩‍👩‍👧‍👦 and می‌خواهم", "👩‍👩‍👧‍👦 and می‌خواهم"),
        ("<!-- hidden -->seen", "seen"),
        ("=?utf-8?q?Hi=0D=0ABcc:_evil@x.y?=", "=?utf-8?q?Hi=0D=0ABcc:_evil@x.y?="),
    ],
)
def test_markup_and_control_characters_go_and_the_words_stay(raw: str, plain: str) -> None:
    assert plain_text(raw) == plain


@given(st.text(alphabet=st.characters(), max_size=200))
@example("<\ud800")
@example("&\udfff<b>x")
def test_plain_text_is_one_line_without_controls(raw: str) -> None:
    plain = plain_text(raw)
    assert plain == plain.strip()
    assert len(plain.splitlines()) <= 1
    assert not [character for character in plain if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}]
    plain.encode()


@given(st.text(max_size=200))
def test_one_line_changes_nothing_twice(raw: str) -> None:
    assert one_line(one_line(raw)) == one_line(raw)


@given(st.text(max_size=100), st.integers(2, 50))
def test_shortened_text_fits(raw: str, limit: int) -> None:
    assert len(shorten(raw, limit)) <= limit


def test_text_is_cut_between_words() -> None:
    assert shorten("one two three", 10) == "one two…"


def test_deep_nesting_costs_little_and_much_text_is_not_looked_at() -> None:
    assert plain_text("<div>" * 1_000_000 + "x") == ""
    assert len(plain_text("a" * 100_000)) == RAW_LIMIT


def test_joiners_and_fillers_alone_are_not_visible() -> None:
    assert not is_visible("\u200d\u200c \u00ad")
    assert is_visible("…")
