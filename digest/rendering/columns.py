"""Columns: text in lines of plain text, where Chinese and Japanese characters are two columns wide and stand without spaces."""

from __future__ import annotations

import re
import textwrap
from itertools import pairwise
from unicodedata import combining, east_asian_width

WIDTH = 72
"""Columns of a plain-text mail."""

_WIDE = "WF"
_NOT_FIRST = frozenset("、。，．・：；！？」』）】〉》］｝〕’”…‥ーゝゞヽヾ々ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ,.!?:;)]}%")
_NOT_LAST = frozenset("「『（【〈《［｛〔‘“([{")
_PERHAPS_WIDE = re.compile("[\u1100-\U0010ffff]")  # most texts have none, and need not be looked at one by one
_HANGUL = re.compile("[\u1100-\u11ff\uac00-\ud7a3]")


def columns(text: str) -> int:
    """How many columns a text takes in a font of fixed width."""
    return sum(2 if east_asian_width(one) in _WIDE else not combining(one) for one in text)


def wrap(text: str, width: int = WIDTH, indent: str = "") -> str:
    """The text in lines of at most `width` columns; a longer word, such as an address, stays whole."""
    if _PERHAPS_WIDE.search(text) and columns(text) > len(text):
        return "\n".join(_wrap_wide(text, width, indent))
    lines = textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines)


def _wrap_wide(text: str, width: int, indent: str) -> list[str]:
    lines, line = [], ""
    for word in text.split():
        space = " " if line else ""
        for piece in _pieces(word):
            if line and columns(indent + line + space + piece) > width:
                lines.append(indent + line)
                line, space = "", ""
            line, space = line + space + piece, ""
    return [*lines, indent + line]


def _pieces(word: str) -> list[str]:
    """A word where it may be broken: beside a wide character, but not before what closes or after what opens."""
    pieces = [word[0]]
    for before, one in pairwise(word):
        if (_breaks(before) or _breaks(one)) and one not in _NOT_FIRST and before not in _NOT_LAST and not combining(one):
            pieces.append(one)
        else:
            pieces[-1] += one
    return pieces


def _breaks(one: str) -> bool:
    """Whether lines may be broken beside a character; Korean is broken at its spaces, an emoji may have joiners."""
    return "\u2e80" <= one < "\U0001f000" and east_asian_width(one) in _WIDE and not _HANGUL.match(one)
