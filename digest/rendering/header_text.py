"""Text for mail headers: plain ASCII as it is, all else in encoded words (RFC 2047), never a way to a second header."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from email.header import decode_header, make_header

from digest.rendering.cleaning import one_line

_PLAIN = re.compile(r"[ -~]*")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_WORDS = re.compile(r"[A-Za-z0-9'-]+(?: [A-Za-z0-9'-]+)*")
_LINE = 76
_PREFIX, _SUFFIX = "=?utf-8?b?", "?="


def unstructured(text: str, *, after: int) -> str:
    """Free text such as a subject, folded; `after` is how many characters of its line the header's name takes."""
    text = one_line(text)
    return "\r\n ".join(_fold(text, after) if _is_plain(text) else encoded_words(text, after=after))


def reading_of(written: str) -> str:
    """What a header reads like, on one line: folds undone, encoded words decoded."""
    unfolded = re.sub(r"\r?\n ", " ", written)
    return str(make_header(decode_header(unfolded))) if "=?" in unfolded else unfolded


def phrase(text: str, *, after: int) -> str:
    """A name before an address: atoms, a quoted string, or encoded words."""
    if len(text) < 50 and _WORDS.fullmatch(text):  # most names; the rest of this costs microseconds
        return text
    text = one_line(text)
    if not _is_plain(text) or len(text) > _LINE - after - 2:
        return "\r\n ".join(encoded_words(text, after=after))
    if _ATOMS.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def encoded_words(text: str, *, after: int) -> Iterator[str]:
    """The text as encoded words of at most 75 characters, none of which ends within a character."""
    word, room = b"", _room(after)
    for character in text:
        encoded = character.encode()
        if len(word) + len(encoded) > room:
            yield _encoded_word(word)
            word, room = b"", _room(1)
        word += encoded
    yield _encoded_word(word)


def _is_plain(text: str) -> bool:
    longest = max((len(word) for word in text.split(" ")), default=0)
    return longest < _LINE and "=?" not in text and _PLAIN.fullmatch(text) is not None


def _fold(text: str, after: int) -> Iterator[str]:
    line = ""
    for word in text.split(" "):
        if line and after + len(line) + 1 + len(word) > _LINE:
            yield line
            line, after = word, 1
        else:
            line = f"{line} {word}" if line else word
    yield line


def _room(after: int) -> int:
    """How many bytes fit into an encoded word on a line of which `after` characters are taken."""
    return (min(75, _LINE - after) - len(_PREFIX) - len(_SUFFIX)) // 4 * 3


def _encoded_word(content: bytes) -> str:
    return _PREFIX + b64encode(content).decode("ascii") + _SUFFIX
