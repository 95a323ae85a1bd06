from __future__ import annotations

from email import policy
from email.header import decode_header, make_header
from email.parser import BytesParser

import pytest
from hypothesis import given, settings

from digest.rendering.cleaning import one_line
from digest.rendering.header_text import phrase, unstructured

from .sample import texts


@settings(max_examples=300, deadline=None, derandomize=True, print_blob=True)
@given(texts)
def test_any_subject_comes_back_as_its_one_line_in_short_lines(text: str) -> None:
    written = unstructured(text, after=9)
    lines = f"Subject: {written}".split("\r\n")
    assert max(map(len, lines)) <= 78
    assert written.isascii()
    unfolded = written.replace("\r\n ", " ")
    if "=?" in unfolded:
        assert str(make_header(decode_header(unfolded))) == one_line(text)
        assert all(len(word) <= 75 for word in unfolded.split(" "))
    else:
        assert unfolded == one_line(text)


@settings(max_examples=300, deadline=None, derandomize=True, print_blob=True)
@given(texts)
def test_any_name_makes_exactly_one_mailbox(name: str) -> None:
    raw = f"To: {phrase(name, after=4)}\r\n <maja@example.net>\r\nX-After: 1\r\n\r\n".encode("ascii")
    parsed = BytesParser(policy=policy.default).parsebytes(raw)
    assert parsed.keys() == ["To", "X-After"]
    assert [address.addr_spec for address in parsed["To"].addresses] == ["maja@example.net"]
    written = phrase(name, after=4)
    if written.startswith("=?"):  # Python's own reading of names puts spaces between encoded words
        assert str(make_header(decode_header(written.replace("\r\n ", " ")))) == one_line(name)
    else:
        assert parsed["To"].addresses[0].display_name == one_line(name)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Plain ASCII: stays!", "Plain ASCII: stays!"),
        ("Naïve", "=?utf-8?b?TmHDr3Zl?="),
        ("=?utf-8?q?Hi=0D=0ABcc:_evil@x.y?=", "=?utf-8?b?PT91dGYtOD9xP0hpPTBEPTBBQmNjOl9ldmlsQHgueT89?="),
        ("one\r\nBcc: evil@example.com", "one Bcc: evil@example.com"),
        ("a\x85b\u2028c\x00d", "a b c d"),
        ("", ""),
    ],
)
def test_a_subject_is_written_plainly_or_neutralised(text: str, written: str) -> None:
    assert unstructured(text, after=9) == written


def test_no_character_is_split_between_encoded_words() -> None:
    for word in unstructured("👩‍👩‍👧‍👦" * 20, after=9).split("\r\n "):
        decode_header(word)[0][0].decode("utf-8")


def test_a_name_with_specials_is_quoted() -> None:
    assert phrase('Maja "M", of', after=4) == '"Maja \\"M\\", of"'
    assert phrase("Maja Maj", after=4) == "Maja Maj"
