"""Text and addresses from outside, made harmless before a template or a header sees them."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_CONTROLS = re.compile("[\x00-\x20\x7f-\x9f\u2028\u2029]+")
_CONTROLS_IN_LINES = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")
_LONE_SURROGATES = re.compile("[\ud800-\udfff]")


def one_line(text: str) -> str:
    """The text on one line: every run of spaces and control characters (C0, C1, U+2028, U+2029) becomes one space."""
    return _LONE_SURROGATES.sub("\ufffd", _CONTROLS.sub(" ", text)).strip(" ")


def in_lines(text: str) -> str:
    """The text with its lines and tabs kept: every other control character becomes a space."""
    return _LONE_SURROGATES.sub("\ufffd", _CONTROLS_IN_LINES.sub(" ", text))


def web_address(address: str | None) -> str | None:
    """The address when it is http(s) and has no control character or space in it, else None."""
    if address is None or _CONTROLS.search(address) or _LONE_SURROGATES.search(address):
        return None
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return address if parts.scheme in ("http", "https") and parts.netloc else None
