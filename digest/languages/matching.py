"""Matching: which of the languages there are a reader gets (lookup of RFC 4647)."""

from __future__ import annotations

from collections.abc import Iterable


def lookup(tag: str, languages: Iterable[str]) -> str | None:
    """The one of `languages` that a tag asks for, or as much of it as there is: `pt-BR` falls to `pt`."""
    known = {language.casefold(): language for language in languages}
    parts = tag.casefold().split("-")
    tries = ("-".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((known[one] for one in tries if one in known), None)


def language_for(tag: str | None, own: str, languages: Iterable[str]) -> str:
    """The language of a reader's mail: the newsletter's `own`, unless they ask for another one that there are words in.

    Where both come to the same words, as with `en` and `en-GB`, it is the newsletter's.
    """
    if not tag:
        return own
    languages = tuple(languages)
    found = lookup(tag, (*languages, own))
    return own if found is None or found == lookup(own, languages) else found
