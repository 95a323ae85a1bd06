"""Others' words, made fit to be kept."""

from __future__ import annotations

import pytest

from digest.delivery.providers.wording import LONGEST, explain, mask


def test_secrets_and_readers_are_masked_and_the_rest_is_left() -> None:
    text = "550 5.1.1 <Ada@Example.com>: user of key/secret unknown, ask help@relay.example"
    assert (
        mask(text, {"key/secret", "key"}, {"ada@example.com"})
        == "550 5.1.1 <address>: user of *** unknown, ask help@relay.example"
    )


def test_an_address_at_the_end_of_a_sentence_is_masked_too() -> None:
    assert mask("not for ada@example.com.", (), {"ada@example.com"}) == "not for <address>"


def test_words_become_one_line_of_bounded_length() -> None:
    assert mask("a\r\nb\x1b[31m\u2028 c\x85d") == "a b [31m c d"
    assert len(mask("x" * 10_000)) == LONGEST
    assert mask("") == ""


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (TimeoutError("timed out"), "timed out"),
        (OSError(), "OSError"),
    ],
)
def test_an_error_is_told_in_its_own_words(error: OSError, words: str) -> None:
    assert explain(error) == words
