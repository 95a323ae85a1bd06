"""Quoted-printable (RFC 2045, 6.7) in pieces that can be encoded alone and joined.

Every piece ends with a soft break, so whatever follows starts a line of its own. No line begins with a dot, which
spares SMTP the doubling of dots (RFC 5321, 4.5.2).
"""

from __future__ import annotations

import binascii
import re

_LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)
_LONGEST = 75
_SOFT_BREAK = b"=\r\n"


def encode_piece(text: str) -> bytes:
    """The text in lines of at most 76 bytes, ended by a soft break unless it is empty."""
    if not text:
        return b""
    if len(text) <= 2 * _LONGEST and text.isascii() and text.isprintable() and "=" not in text and text[0] != ".":
        if len(text) <= _LONGEST:
            return text.encode("ascii") + _SOFT_BREAK
        if text[_LONGEST] != ".":  # as addresses in the web are, nearly all
            return text[:_LONGEST].encode("ascii") + _SOFT_BREAK + text[_LONGEST:].encode("ascii") + _SOFT_BREAK
    return encode_last_piece(text) + _SOFT_BREAK


def encode_last_piece(text: str) -> bytes:
    """The same without the soft break at the end: for what a body ends with."""
    unified = text.replace("\r\n", "\n").replace("\r", "\n").encode()
    encoded = binascii.b2a_qp(unified, quotetabs=False, istext=True)
    if len(encoded) - encoded.rfind(b"\n") - 1 > _LONGEST:  # no room for a soft break: b2a_qp lets a plain last byte stand there
        encoded = encoded[:-1] + b"=\n" + encoded[-1:]
    if encoded.startswith(b".") or b"\n." in encoded:
        encoded = _break_after_leading_dots(encoded)
    return encoded.replace(b"\n", b"\r\n")


def _break_after_leading_dots(encoded: bytes) -> bytes:
    """An encoded dot and a soft break for every dot that begins a line; what follows begins a line in its turn."""
    while _LEADING_DOT.search(encoded):
        encoded = _LEADING_DOT.sub(b"=2E=\n", encoded)
    return encoded
