from __future__ import annotations

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.rendering.columns import columns, wrap

JAPANESE = (
    "このメールは、「週刊バックエンド」を購読されている方にお送りしています。配信の停止やトピックの変更は、いつでもできます。"
)


@pytest.mark.parametrize(
    ("text", "wide"), [("abc", 3), ("日本語", 6), ("é", 1), ("e\u0301", 1), ("مرحبا", 5), ("ｆｕｌｌ", 8), ("", 0)]
)
def test_a_wide_character_takes_two_columns_and_a_combining_one_none(text: str, wide: int) -> None:
    assert columns(text) == wide


def test_japanese_is_broken_without_spaces_at_72_columns_and_never_before_what_closes() -> None:
    lines = wrap(JAPANESE * 3).split("\n")
    assert len(lines) > 3
    assert all(60 < columns(line) <= 72 for line in lines[:-1])
    assert "".join(lines) == JAPANESE * 3
    assert all(line[0] not in "、。」ー" and line[-1] != "「" for line in lines)


def test_words_within_japanese_stay_whole_and_spaces_stay() -> None:
    text = "新しい https://example.org/a-very-long-address-that-is-longer-than-the-line?x=1&y=2 を見る PostgreSQL 17 の話"
    lines = wrap(text, 24).split("\n")
    assert "https://example.org/a-very-long-address-that-is-longer-than-the-line?x=1&y=2" in [
        word for line in lines for word in line.split()
    ]
    assert " ".join(lines).replace(" ", "") == text.replace(" ", "")
    assert any("PostgreSQL" in line for line in lines)


def test_korean_is_broken_at_its_spaces() -> None:
    words = ["구독하시는", "분께", "보내", "드리는", "소식입니다"]
    lines = wrap(" ".join(words * 5), 40).split("\n")
    assert all(word in words for line in lines for word in line.split())


@given(st.text(alphabet=st.characters(max_codepoint=0x5FF)), st.integers(5, 80))
def test_what_has_no_wide_character_is_broken_as_ever(text: str, width: int) -> None:
    assert wrap(text, width) == "\n".join(textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False))


@given(st.text(alphabet="日本「」、。aé \u0301"), st.integers(6, 40), st.sampled_from(["", "  "]))
def test_nothing_is_lost_and_no_line_that_could_be_broken_is_too_long(text: str, width: int, indent: str) -> None:
    wrapped = wrap(text, width, indent)
    assert wrapped.replace("\n", "").replace(" ", "") == "".join(text.split())
