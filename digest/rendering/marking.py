"""Marking links with UTM parameters: a link's address grows, the article's does not."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote, unquote_plus


def mark_link(url: str, utm: Iterable[tuple[str, str]]) -> str:
    """The address with these parameters behind its own, before its fragment; what it has already, and all else, stays as it is."""
    address, hash_sign, fragment = url.partition("#")
    path, _, query = address.partition("?")
    if not path:  # "#", which leads nowhere
        return url
    had = {unquote_plus(pair.partition("=")[0]).lower() for pair in query.split("&")}
    added = [f"{name}={quote(value, safe='')}" for name, value in utm if name not in had]
    if not added:
        return url
    joined = "&".join([query, *added] if query else added)
    return f"{path}?{joined}{hash_sign}{fragment}"
