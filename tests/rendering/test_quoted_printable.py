from __future__ import annotations

import quopri

from hypothesis import given, settings
from hypothesis import strategies as st

from digest.rendering.quoted_printable import encode_last_piece, encode_piece

from .sample import texts

pieces = st.lists(texts | st.text("ab. =\n", max_size=200), max_size=5)


@settings(max_examples=400, deadline=None, derandomize=True, print_blob=True)
@given(pieces, texts | st.text("ab. =", max_size=200))
def test_pieces_joined_decode_to_the_text_joined_in_short_lines_without_leading_dots(parts: list[str], last: str) -> None:
    encoded = b"".join(encode_piece(part) for part in parts) + encode_last_piece(last)
    whole = "".join(part.replace("\r\n", "\n").replace("\r", "\n") for part in [*parts, last])
    assert quopri.decodestring(encoded).replace(b"\r\n", b"\n").decode() == whole
    lines = encoded.split(b"\r\n")
    assert max(map(len, lines)) <= 76
    assert not any(line.startswith(b".") for line in lines)
    assert not any(b"\n" in line or b"\r" in line for line in lines)
    assert b"=_" not in encoded


@settings(max_examples=400, deadline=None, derandomize=True, print_blob=True)
@given(st.text("ab./:-_?&", min_size=1, max_size=160))
def test_an_address_is_encoded_as_the_library_encodes_it(text: str) -> None:
    assert encode_piece(text) == encode_last_piece(text) + b"=\r\n"


def test_trailing_spaces_survive() -> None:
    assert encode_last_piece("a \nb\t") == b"a=20\r\nb=09"


def test_lines_of_every_length_around_the_limit_come_back() -> None:
    for length in range(70, 160):
        for text in ("x" * length, "é" * length, "." * length, "x" * length + "="):
            joined = encode_piece(text) + encode_last_piece(text)
            assert quopri.decodestring(joined).decode() == text * 2
            assert max(map(len, joined.split(b"\r\n"))) <= 76
