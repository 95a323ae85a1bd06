"""Foreign text made plain: no markup, no control characters, one line."""

from __future__ import annotations

import re
from html import unescape

# Beyond this nothing is looked at: a title or summary of a mail is far shorter, and parsing deeply nested HTML is quadratic.
RAW_LIMIT = 10_000

# What no line of text may hold: controls that are not white space, invisible fillers, characters that reorder the text
# around them (embeddings, overrides, isolates), surrogates and non-characters. The joiners stay: emoji and Persian need them.
_UNWANTED = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u200b\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
# Only HTML's own elements are markup: `Vec<T>`, `List<String>` and `<?php` are what the author wrote.
_ELEMENTS = (
    "a abbr acronym address applet area article aside audio b base basefont bdi bdo big blink blockquote body br button "
    "canvas caption center cite code col colgroup command content data datalist dd del details dfn dialog dir div dl dt "
    "element em embed fieldset figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr "
    "html i iframe image img input ins isindex kbd keygen label legend li link listing main map mark marquee math menu "
    "menuitem meta meter multicol nav nextid nobr noembed noframes noscript object ol optgroup option output p param "
    "picture plaintext portal pre progress q rb rp rt rtc ruby s samp script search section select shadow slot small "
    "source spacer span strike strong style sub summary sup svg table tbody td template textarea tfoot th thead time "
    "title tr track tt u ul var video wbr xmp"
)
_NOT_MARKUP = re.compile(rf"<(?!!|/?(?:{'|'.join(_ELEMENTS.split())})(?![\w:-]))", re.IGNORECASE)
# Where one of these stood, a word ends: "<p>One.</p><p>Two.</p>" is "One. Two.".
_SURROGATES = re.compile("[\ud800-\udfff]")
_BREAKS = re.compile(r"<(?=/?(?:p|br|div|li|ul|ol|h[1-6]|td|th|tr|dd|dt|pre|hr|blockquote|figure|figcaption)\b)", re.IGNORECASE)


def one_line(text: str) -> str:
    """`text` without control characters, its white space (line ends included) made single spaces."""
    return " ".join(_UNWANTED.sub("", text).split())


def plain_text(text: str) -> str:
    """`text` without its HTML, entities decoded once, on one line. Text that is no HTML stays as it is."""
    text = text[:RAW_LIMIT]
    if "<" in text or "&" in text:
        text = _without_markup(text)
    return one_line(text)


def shorten(text: str, limit: int) -> str:
    """`text` in at most `limit` characters, cut between words and ended by an ellipsis."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    words = head.rsplit(" ", 1)[0] if " " in head[limit // 2 :] else head
    return words.rstrip(" ,;:.-–—") + "…"


def is_visible(text: str) -> bool:
    """Whether there is anything to see: a letter, digit, mark or symbol that prints."""
    return any(character.isalnum() or (character.isprintable() and not character.isspace()) for character in text)


def _without_markup(text: str) -> str:
    import nh3

    whole = _SURROGATES.sub("", text)  # half a character: nh3 cannot take it
    spaced = _BREAKS.sub(" <", _NOT_MARKUP.sub("&lt;", whole))
    return unescape(nh3.clean(spaced, tags=set()))
