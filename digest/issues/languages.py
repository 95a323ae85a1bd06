"""Languages: whether an article is in one that a newsletter takes (basic filtering of RFC 4647)."""

from __future__ import annotations

from collections.abc import Iterable


def speaks(languages: Iterable[str], language: str | None) -> bool:
    """Whether one of `languages` is the article's, or holds it as `en` holds `en-GB`. One without a language passes, and
    where none is named, every one."""
    taken = tuple(languages)
    if not taken or language is None:
        return True
    found = language.casefold()
    return any(found == one.casefold() or found.startswith(f"{one.casefold()}-") for one in taken)
